"""Formulas that the numbers of a trace turn out to follow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ...data.spec import Spec


def gradient_formula(gradient: Tensor, output: Tensor, target: Tensor, spec: Spec) -> str:
    """What the gradient with respect to the answer is in terms of answer and target, or "".

    Args:
        gradient: of the objective, `[batch, outputs, ...]`.
        output: the model's logits or prediction, of the same shape.
        target: the batch's.
        spec: says which kind of target it is.

    >>> gradient, target = torch.tensor([[-0.809]]), torch.tensor([[1.0]])
    >>> gradient_formula(gradient, torch.tensor([[0.191]]), target, Spec((2,), "real", 1))
    'prediction − target'
    """
    for formula, values in _candidates(output, target, spec):
        if values.shape != gradient.shape:
            continue
        for factor, (label, share) in product((1, 2), _shares(gradient).items()):
            if values.any() and torch.allclose(gradient, factor * share * values, 1e-4, 1e-6):
                return _scaled(formula, factor, label)
    return ""


def _candidates(output: Tensor, target: Tensor, spec: Spec) -> Iterator[tuple[str, Tensor]]:
    if spec.target == "classes" and not spec.dense:
        truth = one_hot(target, output.shape[1])
        yield "softmax(logits) − target", output.softmax(1) - truth
    elif spec.target in ("binary", "multilabel"):
        yield "sigmoid(logits) − target", output.sigmoid() - target
    elif spec.target == "real":
        yield "prediction − target", output - target
        yield "sign(prediction − target)", (output - target).sign()


def _shares(gradient: Tensor) -> Mapping[str, float]:
    """By what a mean over rows, or over all numbers, divides."""
    rows, numbers = len(gradient), gradient.numel()
    return {"": 1.0, str(rows): 1 / rows, str(numbers): 1 / numbers}


def _scaled(formula: str, factor: int, divisor: str) -> str:
    """The formula times `factor / divisor`."""
    if factor == 1 and divisor in ("", "1"):
        return formula
    bracket = formula if formula.startswith(("sign(",)) else f"({formula})"
    scaled = bracket if factor == 1 else f"{factor} {bracket}"
    return scaled if divisor in ("", "1") else f"{scaled} / {divisor}"


def weight_formula(module: nn.Module, gradient: Tensor, output: Tensor, input: Tensor) -> bool:
    r"""Whether the gradient of an affine map's weight is $(\partial L/\partial y)^T x$.

    Args:
        module: the map.
        gradient: of its weight.
        output: the gradient by what it gave, $y$.
        input: what it got, $x$.
    """
    if not isinstance(module, nn.Linear) or output.ndim != 2:
        return False
    return torch.allclose(gradient, output.T @ input.flatten(1), 1e-4, 1e-6)


Moved = tuple[Tensor, Tensor, Tensor, float]
"""A weight before and after a step, its gradient, and the learning rate."""

_RULES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "W − lr · gradient": lambda gradient: gradient,
    "W − lr · sign(gradient)": torch.sign,
    "W − lr": torch.ones_like,
}


def update_formula(moves: Sequence[Moved]) -> str:
    """What every step did to every weight W with its gradient and the learning rate lr, or "".

    >>> update_formula([(torch.tensor([1.0]), torch.tensor([0.95]), torch.tensor([0.5]), 0.1)])
    'W − lr · gradient'
    """
    found = [
        formula
        for formula, direction in _RULES.items()
        if all(_agree(w, after, rate * direction(gradient)) for w, after, gradient, rate in moves)
    ]
    return " or ".join(found)


def _agree(before: Tensor, after: Tensor, step: Tensor) -> bool:
    """Whether `after` is `before − step`, up to what is lost where a small step meets a weight."""
    lost = 4 * torch.finfo(before.dtype).eps * before.abs() + 1e-9
    return bool(((before - step - after).abs() <= lost + 1e-4 * step.abs()).all())
