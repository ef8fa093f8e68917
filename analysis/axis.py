"""A view of a loss: one number on which it depends, everything else held still."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Tensors = dict[str, Any]
Build = Callable[[Tensor], Tensors]


@dataclass(frozen=True)
class View:
    """One number on which a loss depends, everything else held still.

    Args:
        axis: its name; losses with the same axis can stand in one plot.
        label: what it is, in words.
        points: where a table shows it.
        low: where a plot begins.
        high: where a plot ends.
        build: the tensors that the loss asks for, from the number, a 0-dim tensor.
        moves: tensors that may move together without changing a loss which has this axis.
        varies: the tensor that the number moves, where it isn't the axis itself.
        case: what is special of this view, where its twin differs: "target 1".
        twin: the same axis in the other case, "target 0".
    """

    axis: str
    label: str
    points: tuple[float, ...]
    low: float
    high: float
    build: Build
    moves: tuple[str, ...] = ()
    varies: str = ""
    case: str = ""
    twin: "View | None" = None

    @property
    def cases(self) -> "tuple[View, ...]":
        """This view, and its twin where there is one."""
        return (self, self.twin) if self.twin else (self,)


EVEN = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0)
CORRELATIONS = (-0.9, -0.5, 0.0, 0.5, 0.8, 0.95)
RESIDUALS = (-4.0, -1.0, -0.1, 0.0, 0.1, 1.0, 4.0)


def normal_pairs(count: int) -> tuple[Tensor, Tensor]:
    """Two standard normal variables, spread evenly, without any correlation."""
    steps = torch.arange(count).double()
    first = torch.special.ndtri((steps + 0.5) / count)
    second = first[(steps * 0.6180339887498949).frac().argsort()]
    second = second - first * (first @ second) / (first @ first)
    return first / first.std(correction=0), second / second.std(correction=0)


def number(value: float, *shape: int) -> Tensor:
    """A tensor of one value, in double precision."""
    return torch.full(shape, value, dtype=torch.double)
