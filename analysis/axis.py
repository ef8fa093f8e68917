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
    """

    axis: str
    label: str
    points: tuple[float, ...]
    low: float
    high: float
    build: Build
    moves: tuple[str, ...] = ()


EVEN = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0)
RESIDUALS = (-4.0, -1.0, -0.1, 0.0, 0.1, 1.0, 4.0)


def number(value: float, *shape: int) -> Tensor:
    """A tensor of one value, in double precision."""
    return torch.full(shape, value, dtype=torch.double)
