"""Gradients of a number per sample by the sample, in one call; and their integral from a baseline.

A `Score` maps samples to one number each, and no number depends on another's sample. So the
gradient of the sum of the numbers holds each sample's own: one backward pass, whatever the batch.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

_POWER = 6  # of the variable that the way to a sample is integrated over

Score = Callable[[Tensor], Tensor]
"""From `[samples, ...]` to `[samples]`, each sample's number from its own row alone."""


def input_gradients(score: Score, inputs: Tensor) -> Tensor:
    r"""$\partial f(x_i) / \partial x_i$ of every sample i, `[samples, ...]`, in one backward pass.

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> input_gradients(lambda x: x[:, 0] * x[:, 1] ** 2, x)
    tensor([[ 4.,  4.],
            [16., 24.]])

    Args:
        score: f, of samples that are their own.
        inputs: x, `[samples, ...]`.

    Raises:
        ValueError: inputs that are not floats, not one number per sample, or a score that does not
            follow from the inputs by operations with a gradient.
    """
    if not inputs.is_floating_point():
        raise ValueError(f"inputs of {inputs.dtype} have no gradient: expected floats")
    x = inputs.detach().requires_grad_()
    with torch.enable_grad():
        values = score(x)
    if values.shape != (len(inputs),):
        raise ValueError(
            f"expected one number for each of {len(inputs)} samples; got shape "
            f"{tuple(values.shape)}"
        )
    if not values.requires_grad:
        raise ValueError(
            "no gradient reaches the input: what is attributed does not depend on it, or by an "
            "operation without a gradient (argmax, round, detach)"
        )
    gradient = torch.autograd.grad(values.sum(), x, allow_unused=True, materialize_grads=True)[0]
    return gradient.detach()


class Integrated(NamedTuple):
    """Integrated gradients.

    Args:
        values: `[samples, ...]`.
        error: by how much those of a sample miss f(x) − f(baseline), `[samples]`.
        change: f(x) − f(baseline), `[samples]`.
    """

    values: Tensor
    error: Tensor
    change: Tensor

    @property
    def incomplete(self) -> float:
        """The errors of all samples over their changes: the completeness error, a share."""
        return (self.error.abs().sum() / self.change.abs().sum()).item()

    @property
    def worst(self) -> float:
        """The largest error of a sample, over the mean change."""
        return (self.error.abs().max() / self.change.abs().mean()).item()


def integrated_gradients(
    score: Score, inputs: Tensor, baseline: Tensor, steps: int = 256
) -> Integrated:
    r"""$(x - x') \int_0^1 \nabla f(x' + a (x - x'))\,\mathrm{d}a$, by Gauss's rule.

    They are complete: over the parts of a sample they sum to $f(x) - f(x')$, up to the error of the
    rule, which vanishes quickly where f is smooth, and with the steps where it has kinks.

    >>> x = torch.tensor([[1.0, 2.0]])
    >>> found = integrated_gradients(lambda x: x[:, 0] * x[:, 1], x, torch.zeros(2), steps=8)
    >>> found.values, found.change
    (tensor([[1., 1.]]), tensor([2.]))

    Args:
        score: f, of samples that are their own.
        inputs: x, `[samples, ...]`.
        baseline: x′, one sample or as many as `inputs`.
        steps: points on the way, at least 1.

    Raises:
        ValueError: fewer than one step, and what `input_gradients` raises.

    References:
        M. Sundararajan, A. Taly, Q. Yan, Axiomatic attribution for deep networks. ICML (2017),
        equations 1 and 3.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1; got {steps}")
    way = inputs - baseline
    total = torch.zeros_like(inputs)
    for place, share in _points(steps):
        total += share * input_gradients(score, baseline + place * way)
    values = total * way
    with torch.no_grad():
        change = score(inputs) - score(inputs - way)
    return Integrated(values, values.flatten(1).sum(1) - change, change)


def _points(steps: int) -> list[tuple[float, float]]:
    """Places in [0, 1] and the shares of what stands there in an integral over it.

    Gauss and Legendre's rule for a root of the place: a model that normalises its input,
    as one with GroupNorm, changes almost only close to a baseline of zero, where many places then
    lie.
    """
    if steps == 1:
        return [(0.5, 1.0)]
    roots, shares = np.polynomial.legendre.leggauss(steps)
    roots, shares = (roots + 1) / 2, shares / 2
    return list(
        zip(
            (roots**_POWER).tolist(),
            (_POWER * roots ** (_POWER - 1) * shares).tolist(),
            strict=True,
        )
    )
