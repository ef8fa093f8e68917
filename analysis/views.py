"""Along which axis a loss can be looked at, and what it is called with at a point of that axis.

Most losses depend on one number if everything else is held still: the margin of a class, the
residual of a prediction, the ratio of two policies. A view names this number and builds the tensors
that a loss asks for from it. Which views suit a loss is told by the names of its tensors.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from .axis import CORRELATIONS, EVEN, RESIDUALS, Build, Tensors, View, normal_pairs, number
from .special_views import SPECIAL_VIEWS

_NEAR_ONE = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 4.0)
_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)

UNSAID = ("y_pred", "y_hat", "pred", "preds", "predictions", "output", "outputs", "input")
"""Answers of pasted code, which may be logits, predictions or probabilities."""
ANSWERS = ("logits", "prediction", "probability", *UNSAID, "value", "mu", "members")
TARGETS = ("target", "y_true", "y", "labels", "label", "targets", "ground_truth", "true", "returns")
WIDTHS = ("logvar", "log_scale", "log_sigma", "nu_logits", "alpha_logits", "beta_logits")
"""What a loss may ask for besides answer and target; held at 0."""

STAND_INS: dict[str, Any] = {"counts": [900.0, 100.0]}
"""Options that a loss can't do without though their default is None: for two classes."""


def candidates(
    tensors: Collection[str], optional: Collection[str], length: int | None = None
) -> Iterator[View]:
    """The views that may suit a loss that asks for these tensors, the most natural first.

    Args:
        tensors: what it can't do without.
        optional: what it takes besides.
        length: how many classes or answers its options speak of, if they do.
    """
    names = list(tensors)
    known = SPECIAL_VIEWS.get(frozenset(names))
    if known is not None:
        yield from known
        return
    answer = next((n for n in names if n in ANSWERS), None)
    target = next((n for n in names if n in TARGETS), None)
    others = [n for n in names if n not in (answer, target)]
    if answer and target and all(n in WIDTHS for n in others):
        yield from _paired(answer, target, others, region=bool(optional), length=length)
    elif "model" not in names and "parameters" not in names:
        yield from _single(names)


def _paired(
    answer: str, target: str, others: list[str], *, region: bool, length: int | None
) -> Iterator[View]:
    """Views of a loss that compares an answer with a target."""
    held = {name: number(0, 1, 1) for name in others}
    if answer not in ("logits", "probability"):
        yield from _regression(answer, target, held, region=region, answers=length or 1)
    if answer in ("logits", *UNSAID) and not held:
        yield from _margins(answer, target, region=region, classes=length or 2)
    if answer in ("probability", *UNSAID) and not held:
        yield View(
            "probability",
            "probability p of class 1, where the target is 1",
            _SHARES,
            0.01,
            0.99,
            lambda x: {answer: x.reshape(1, 1), target: number(1, 1, 1)},
            varies=answer,
        )
    for name in others:
        yield View(
            name,
            f"{name}, where the residual is 1",
            EVEN,
            -4,
            4,
            lambda x, name=name: {  # type: ignore[misc]  # a default binds the loop's value
                **held,
                answer: number(1, 1, 1),
                target: number(0, 1, 1),
                name: x.reshape(1, 1),
            },
        )


def _regression(
    answer: str, target: str, held: Tensors, *, region: bool, answers: int
) -> Iterator[View]:
    *others, last = [*held] or [""]
    where = f"; {', '.join(others)} and {last} are 0" if others else f"; {last} is 0"
    where = where if held else ""

    def residual(*shape: int) -> View:
        return View(
            "residual",
            f"residual r, the prediction minus the target{where}",
            RESIDUALS,
            -4,
            4,
            lambda x: {**held, answer: x.expand(shape), target: number(0, 1, 1)},
            moves=(answer, target),
            varies=answer,
        )

    first = residual(1, 1)
    yield first
    yield replace(
        first,
        axis="prediction",
        label=f"prediction, where the target is 1{where}",
        points=_NEAR_ONE,
        low=-1,
        moves=(),
        build=lambda x: {**held, answer: x.reshape(1, 1), target: number(1, 1, 1)},
    )
    yield residual(1, 1, answers)  # an ensemble, or one answer for each level
    if region:  # a loss with a weight of its own may compare samples with each other
        yield _correlation(answer, target)
    if answer != "prediction":
        return
    yield View(
        "angle",
        "angle θ between prediction and target, in radians",
        (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0),
        0,
        3.14,
        lambda x: {
            **held,
            answer: torch.stack([x.cos(), x.sin()]).reshape(1, 2),
            target: torch.tensor([[1.0, 0.0]]).double(),
        },
        varies=answer,
    )


def _correlation(answer: str, target: str) -> View:
    """The answer has the target's mean and spread, and correlates with it by a given number."""
    truth, noise = normal_pairs(256)
    return View(
        "correlation",
        "correlation ρ of prediction and target, both of mean 0 and variance 1",
        CORRELATIONS,
        -0.99,
        0.99,
        lambda x: {
            answer: (x * truth + (1 - x * x).sqrt() * noise).reshape(-1, 1),
            target: truth.reshape(-1, 1),
        },
        varies=answer,
    )


def _margins(answer: str, target: str, *, region: bool, classes: int) -> Iterator[View]:
    """The logit of the true class minus the other: of one sample, or of all pixels of an image."""

    def view(label: str, build: Build) -> View:
        return View("margin", label, EVEN, -4, 4, build, varies=answer)

    if region:
        mask = torch.zeros(8, 8, dtype=torch.long)
        mask[2:6, 3:6] = 1
        sign = 2 * mask.double() - 1
        label = "margin m of every pixel; the mask has 12 of 64"
        yield view(
            label,
            lambda x: {
                answer: (x * sign).expand(1, 1, 8, 8),
                target: mask.double().expand(1, 1, 8, 8),
            },
        )
        yield view(
            label,
            lambda x: {
                answer: (x * torch.stack([1 - mask, mask])).expand(1, 2, 8, 8),
                target: mask.expand(1, 8, 8),
            },
        )
        return

    def sample(build: Callable[[Tensor, int], Tensors]) -> View:
        others = "other's" if classes == 2 else "others'"
        one, zero = (
            replace(
                view(
                    f"margin m, the true class's logit minus the {others}",
                    lambda x, true=true: build(x, true),  # type: ignore[misc]  # as above
                ),
                case=f"target {true}",
            )
            for true in (1, 0)
        )
        return replace(one, twin=zero)

    one_hot = torch.eye(classes).double()
    yield sample(
        lambda x, true: {answer: (2 * true - 1) * x.reshape(1, 1), target: number(true, 1, 1)}
    )
    yield sample(lambda x, true: {answer: x * one_hot[[true]], target: torch.tensor([true])})
    yield sample(lambda x, true: {answer: x * one_hot[[true]], target: one_hot[[true]]})


_OF_THE_BATCH = (*TARGETS, "action", "advantage", "weight", "old_log_prob", "old_value")
_HELD = {"returns": 1.0, "advantage": 1.0, "target": 0.0}


def _single(names: list[str]) -> Iterator[View]:
    """One tensor varies, the others are held still."""
    for varied in names:
        if varied in _OF_THE_BATCH:
            continue
        held = {name: _HELD.get(name, 0.0) for name in names if name != varied}
        where = ", ".join(f"{name} {value:g}" for name, value in held.items())
        yield View(
            varied,
            f"{varied}, with {where}" if where else varied,
            EVEN,
            -4,
            4,
            lambda x, varied=varied, held=held: {  # type: ignore[misc]  # as above
                varied: x.reshape(1, 1),
                **{name: number(value, 1, 1) for name, value in held.items()},
            },
        )
