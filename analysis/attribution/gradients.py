"""Gradients of a number per sample by the sample, in one call; and their integral from a baseline.

A `Score` maps samples to one number each, and no number depends on another's sample. So the
gradient of the sum of the numbers holds each sample's own: one backward pass, whatever the batch.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from ..tell import Tell

_PILOTS = 64  # places on the way, at which the score is looked at first
_CLOSEST = 1e-6  # of them to the baseline, as a share of the way

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
        values = _values(score, x)
    if not values.requires_grad:
        raise ValueError(
            "no gradient reaches the input: what is attributed does not depend on it, or by an "
            "operation without a gradient (argmax, round, detach)"
        )
    gradient = torch.autograd.grad(values.sum(), x, allow_unused=True, materialize_grads=True)[0]
    return gradient.detach()


def _values(score: Score, inputs: Tensor) -> Tensor:
    values = score(inputs)
    if values.shape != (len(inputs),):
        raise ValueError(
            f"expected one number for each of {len(inputs)} samples; got shape "
            f"{tuple(values.shape)}"
        )
    return values


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
    score: Score,
    inputs: Tensor,
    baseline: Tensor,
    steps: int = 256,
    tell: Tell = lambda done, of: None,
) -> Integrated:
    r"""$(x - x') \int_0^1 \nabla f(x' + a (x - x'))\,\mathrm{d}a$, by the midpoint rule.

    They are complete: over the parts of a sample they sum to $f(x) - f(x')$, up to the error of the
    rule. The steps of a sample are small where its f changes much: a model that normalises its
    input, as one with GroupNorm, changes almost only close to a baseline of zero. Where that is, 64
    answers without a gradient tell first; what goes up and down between them takes more steps, and
    the error says so.

    >>> x = torch.tensor([[1.0, 2.0]])
    >>> found = integrated_gradients(lambda x: x[:, 0] * x[:, 1], x, torch.zeros(2), steps=8)
    >>> found.values, found.change
    (tensor([[1., 1.]]), tensor([2.]))

    Args:
        score: f, of samples that are their own.
        inputs: x, `[samples, ...]`.
        baseline: x′, one sample or as many as `inputs`.
        steps: gradients on the way, at least 1.
        tell: hears how many are done, of how many.

    Raises:
        ValueError: fewer than one step, and what `input_gradients` raises.

    References:
        M. Sundararajan, A. Taly, Q. Yan, Axiomatic attribution for deep networks. ICML (2017),
        equations 1 and 3.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1; got {steps}")
    way = inputs - baseline
    edges = _edges(score, baseline, way, steps).view(steps + 1, -1, *[1] * (inputs.ndim - 1))
    total = torch.zeros_like(inputs)
    for done, (begin, end) in enumerate(pairwise(edges), 1):
        place = ((begin + end) / 2).to(inputs)
        total += (end - begin).to(inputs) * input_gradients(score, baseline + place * way)
        tell(done, steps)
    values = total * way
    with torch.no_grad():
        change = score(inputs) - score(inputs - way)
    return Integrated(values, values.flatten(1).sum(1) - change, change)


def _edges(score: Score, baseline: Tensor, way: Tensor, steps: int) -> Tensor:
    """Where a sample's steps begin and end, as shares of its way, `[steps + 1, samples]`, float64.

    Half of the steps are shared out by how much the score changes, a quarter evenly, and a quarter
    evenly in the logarithm of the place, for what the pilots miss.
    """
    near = torch.logspace(math.log10(_CLOSEST), 0, _PILOTS - 1, dtype=torch.float64)
    places = torch.cat([near.new_zeros(1), near])
    with torch.no_grad():
        values = [_values(score, baseline + place * way).cpu() for place in places.tolist()]
    changes = torch.stack(values, 1).double().diff().abs().nan_to_num(0, 0, 0)
    shares = changes / changes.sum(1, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)
    evenly, in_logarithm = places.diff(), 1 / (_PILOTS - 1)
    steps_until = (shares / 2 + evenly / 4 + in_logarithm / 4).cumsum(1)
    steps_until = torch.nn.functional.pad(steps_until / steps_until[:, -1:], (1, 0))

    at = torch.linspace(0, 1, steps + 1, dtype=torch.float64).expand(len(way), -1).contiguous()
    after = torch.searchsorted(steps_until, at).clamp(1, _PILOTS - 1)
    low, high = steps_until.gather(1, after - 1), steps_until.gather(1, after)
    return (places[after - 1] + (at - low) / (high - low) * evenly[after - 1]).T
