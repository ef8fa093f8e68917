"""How far each pixel is from a set of pixels: exact, and without a loop over pixels."""

from collections.abc import Sequence

import torch
from torch import Tensor

# Candidates compared in one step: few stay in a processor's cache, many keep an accelerator busy.
_AT_ONCE_CPU, _AT_ONCE_GPU = 2**17, 2**25


def check_spacing(spacing: Sequence[float] | None, axes: int) -> tuple[float, ...]:
    """The distance between neighbours along each spatial axis; None is 1.

    Raises:
        ValueError: no spatial axis, or something else than one positive number for each.
    """
    if axes < 1:
        raise ValueError("a distance needs pixels: expected logits [batch, channels, *spatial]")
    steps = (1.0,) * axes if spacing is None else tuple(float(step) for step in spacing)
    if len(steps) != axes or min(steps) <= 0:
        raise ValueError(f"spacing needs {axes} positive numbers, one per axis; got {spacing}")
    return steps


def distance_to(
    mask: Tensor, spacing: Sequence[float], dtype: torch.dtype = torch.float32
) -> Tensor:
    r"""The Euclidean distance of each pixel from the nearest one in `mask`.

    Squared distances separate by axis. Along the first, the nearest pixel of the mask is before or
    behind; along each other axis, with the squared distances $f$ so far, every line becomes
    $\min_j f_j + (i - j)^2$, the lower envelope of its parabolas. Exact up to rounding, and no
    branch depends on a value. It carries no gradient.

    >>> distance_to(torch.tensor([[True, False, False], [False, False, False]]), (1.0, 1.0))
    tensor([[0.0000, 1.0000, 2.0000],
            [1.0000, 1.4142, 2.2361]])

    Args:
        mask: bool, `[..., *spatial]`.
        spacing: the distance between neighbours along each spatial axis; its length says how many
            of the last axes are spatial.
        dtype: of the distances.

    Returns:
        Shaped like the mask; infinite where the mask of an image is empty.
    """
    axes = range(-len(spacing), 0)
    sides = mask.shape[-len(spacing) :]
    longest = sides.index(max(sides)) - len(spacing)
    squared = _along_mask(mask.movedim(longest, -1), spacing[longest], dtype).movedim(-1, longest)
    for axis in axes:
        if axis != longest:
            lines = squared.movedim(axis, -1)
            squared = _lower_envelope(lines, spacing[axis]).movedim(-1, axis)
    return squared.sqrt()


def _along_mask(mask: Tensor, step: float, dtype: torch.dtype) -> Tensor:
    """Squared distance along the last axis from the nearest pixel of the mask."""
    length = mask.shape[-1]
    place = torch.arange(length, device=mask.device, dtype=dtype)
    before = torch.where(mask, place, -torch.inf).cummax(-1).values
    behind = torch.where(mask, place, torch.inf).flip(-1).cummin(-1).values.flip(-1)
    return (step * torch.minimum(place - before, behind - place)).square()


def _lower_envelope(lines: Tensor, step: float) -> Tensor:
    """`min_j lines_j + (step (i − j))²` for every place i of the last axis."""
    length = lines.shape[-1]
    place = step * torch.arange(length, device=lines.device, dtype=lines.dtype)
    parabolas = (place.unsqueeze(1) - place).square()  # [i, j]
    if torch.compiler.is_compiling():  # the compiler keeps no candidates
        return (lines.unsqueeze(-2) + parabolas).amin(-1)
    at_once = _AT_ONCE_CPU if lines.device.type == "cpu" else _AT_ONCE_GPU
    blocks = []
    for block in torch.split(lines.reshape(-1, 1, length), max(1, at_once // length)):
        rows = max(1, at_once // block.numel())
        blocks.append(
            torch.cat([(block + part).amin(-1) for part in torch.split(parabolas, rows)], -1)
        )
    return torch.cat(blocks).reshape(lines.shape)
