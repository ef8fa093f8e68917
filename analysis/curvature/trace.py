r"""The trace of a matrix known by its products, by Hutch++.

Hutchinson's estimate averages $g^\top A g$ over vectors g of random signs, whose mean is
$\operatorname{tr} A$ and whose variance comes from the off-diagonal elements. Hutch++ takes the
large eigenvalues out first. With Q an orthonormal basis of $A S$, S random,

$$ \operatorname{tr} A = \operatorname{tr}(Q^\top A Q)
 + \operatorname{tr}\left((I - QQ^\top) A (I - QQ^\top)\right), $$

the first part is computed, and only the second, which is small, is estimated by Hutchinson:
m products in all reach an error of order 1/m instead of 1/√m for matrices without large negative
eigenvalues.

References:
    R. A. Meyer, C. Musco, C. Musco, D. P. Woodruff, Hutch++: optimal stochastic trace estimation.
    SOSA (2021), algorithm 1.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .operator import Operator


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


def trace(operator: Operator, *, products: int = 60, seed: int = 0) -> Estimate:
    """The trace, and the standard error of its estimated part.

    Args:
        operator: symmetric.
        products: with vectors, in three equal parts; at least 6.
        seed: of the random signs.
    """
    third = min(max(2, products // 3), operator.size)
    generator = torch.Generator().manual_seed(seed)
    basis = _orthonormal(operator.products(_signs(operator, third, generator)))
    seen = (operator.products(basis) * basis).sum().item()
    probes = _signs(operator, third, generator)
    probes = probes - (probes @ basis.T) @ basis
    rest = (operator.products(probes) * probes).sum(1).double()
    return Estimate(seen + rest.mean().item(), rest.std().item() / third**0.5)


def _signs(operator: Operator, count: int, generator: torch.Generator) -> Tensor:
    signs = torch.randint(2, (count, operator.size), generator=generator) * 2 - 1
    return signs.to(operator.like)


def _orthonormal(rows: Tensor) -> Tensor:
    """An orthonormal basis of the space that the rows span, `[rows, size]`."""
    basis: Tensor = torch.linalg.qr(rows.T)[0]
    return basis.T
