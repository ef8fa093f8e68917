"""A symmetric matrix of the weights, known by its products with vectors."""

from typing import Protocol

import torch
from torch import Tensor

GRAPH_BYTES = 2**30  # of the graphs that are kept between products


class Operator(Protocol):
    """A symmetric matrix A, `[size, size]`, that is never written down.

    Attributes:
        size: how many weights there are.
        like: a tensor of the dtype and on the device that its vectors have.
    """

    size: int
    like: Tensor

    def products(self, vectors: Tensor) -> Tensor:
        """A v for every row v of `vectors`, `[vectors, size]`; the same shape."""
        ...


class Matrix:
    """A matrix that is written down.

    Args:
        matrix: symmetric, `[size, size]`.
    """

    def __init__(self, matrix: Tensor) -> None:
        self.matrix, self.size, self.like = matrix, len(matrix), matrix[0]

    def products(self, vectors: Tensor) -> Tensor:
        """See `Operator.products`."""
        return vectors @ self.matrix


def dense(operator: Operator, block: int = 64) -> Tensor:
    """The whole matrix, `[size, size]`, from its products with unit vectors; made symmetric.

    Args:
        operator: of a few thousand weights.
        block: unit vectors at once.
    """
    rows = []
    for first in range(0, operator.size, block):
        units = operator.like.new_zeros(min(block, operator.size - first), operator.size)
        units[:, first:].fill_diagonal_(1)
        rows.append(operator.products(units))
    matrix = torch.cat(rows)
    return (matrix + matrix.T) / 2
