"""How unreduced values become one number: masks, weights and means, in one place for every loss."""

from typing import Literal

import torch
from torch import Tensor

Reduce = Literal["mean", "sum"]
Normalize = Literal["weights", "count"]

_TINY = torch.finfo(torch.float32).tiny  # keeps 0/0 at 0


def at_least_fp32(x: Tensor) -> Tensor:
    """`x` in at least single precision: half precision, integers and masks are raised to it."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def aligned(weight: Tensor, values: Tensor) -> Tensor | None:
    """`weight` viewed so that it broadcasts over `values` axis by axis, or None if it does not fit.

    A weight is per sample, `[batch]`, or per element with or without the channel axis. Anything
    else would broadcast by accident, as `(n, 1)` against `(n,)` gives n × n.
    """
    w, v = weight.shape, values.shape
    if w == v:
        return weight
    if len(w) == 0 or len(v) == 0:
        return None
    if w == v[:1]:
        return weight.reshape(-1, *[1] * (len(v) - 1))
    if w == v[:1] + v[2:]:
        return weight.unsqueeze(1)
    if len(w) == len(v) + 1 and w == (*v[:1], 1, *v[1:]):
        return weight.squeeze(1)
    return weight if w == (*v[:1], 1, *v[2:]) else None


def aligned_beside(target: Tensor | None, weight: Tensor, values: Tensor) -> Tensor | None:
    """`weight` viewed so that it broadcasts over `values`, whose axes the target may tell.

    Beside a real-valued target, what has its shape and more axes at the end is weighed from the
    front, as `[batch, outputs, levels]` is. Class indices `[batch, *spatial]` of the same shape
    stand beside `[batch, classes, *spatial]`, as `aligned` takes it.

    >>> weight, values = torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2, 2)
    >>> aligned_beside(torch.zeros(1, 2), weight, values)
    tensor([[[1.],
             [0.]]])
    >>> aligned_beside(torch.zeros(1, 2).long(), weight, values)
    tensor([[[1., 0.]]])
    """
    by_channel = aligned(weight, values)
    if target is None or values.ndim <= target.ndim or values.shape[: target.ndim] != target.shape:
        return by_channel
    if by_channel is not None and not target.is_floating_point():
        return by_channel
    view = aligned(weight, target)
    if view is None:
        return by_channel
    return view.reshape(*view.shape, *[1] * (values.ndim - target.ndim))


def align(weight: Tensor, values: Tensor) -> Tensor:
    """`weight` viewed so that it broadcasts over `values`, see `aligned`.

    >>> align(torch.ones(4), torch.ones(4, 3, 8, 8)).shape
    torch.Size([4, 1, 1, 1])
    >>> align(torch.ones(4, 8, 8), torch.ones(4, 3, 8, 8)).shape
    torch.Size([4, 1, 8, 8])

    Raises:
        ValueError: the shapes do not belong together.
    """
    view = aligned(weight, values)
    if view is None:
        raise ValueError(
            f"a weight of shape {tuple(weight.shape)} does not fit values of shape "
            f"{tuple(values.shape)}: expected [batch], or one weight per element"
        )
    return view


def reduce_values(
    values: Tensor,
    weight: Tensor | None = None,
    *,
    reduce: Reduce = "mean",
    normalize: Normalize = "weights",
) -> Tensor:
    r"""One number from a loss's unreduced values.

    With weights $w$, values $\ell$ $n$ elements and $m$ samples that have $w \ne 0$,

    $$\text{mean:}\quad \frac{\sum w\,\ell}{\sum w} \qquad\qquad
      \text{sum:}\quad \frac{\sum w\,\ell}{m} \cdot \frac{n}{\sum w}$$

    so what is left out counts nowhere, and a constant weight changes nothing. `normalize="count"`
    writes $n$ for $\sum w$: then doubling the weights doubles the result. If nothing contributes,
    the result is 0 with zero gradient.

    >>> reduce_values(torch.tensor([1.0, 5.0]), torch.tensor([3.0, 1.0]))
    tensor(2.)
    >>> reduce_values(torch.tensor([1.0, 5.0]), torch.tensor([3.0, 1.0]), normalize="count")
    tensor(4.)
    >>> reduce_values(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), reduce="sum")
    tensor(5.)

    Args:
        values: `[batch, ...]`, `[batch]` or `[]`; the last is returned as it is.
        weight: non-negative, `[batch]` or one per element; 0 leaves an element out.
        reduce: over the non-batch axes; the batch is always averaged.
        normalize: what the weighted sum is divided by.

    Raises:
        ValueError: a weight that does not fit the values.
    """
    values = at_least_fp32(values)
    if values.ndim == 0:
        return values
    if weight is None:
        return values.mean() if reduce == "mean" else values.sum() / values.shape[0]
    weight = align(at_least_fp32(weight), values).expand_as(values)
    counts = weight != 0
    total = (torch.where(counts, values, 0) * weight).sum()
    divisor = weight.sum() if normalize == "weights" else counts.sum().to(total.dtype)
    if reduce == "sum":
        samples = counts.reshape(len(counts), -1).any(1).sum()
        divisor = divisor * samples / counts.sum().clamp(min=1)
    return total / divisor.clamp(min=_TINY)
