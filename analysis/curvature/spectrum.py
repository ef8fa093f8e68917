"""What is known of a spectrum, exactly for a few thousand weights and estimated for more."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..tell import Tell
from .density import Density, density
from .eigenvalues import extreme_eigenvalues
from .operator import Operator, dense
from .trace import Estimate, trace

Method = Literal["auto", "exact", "estimated"]

FLAT = 1e-2  # of the largest by magnitude; the estimate does not tell what is smaller from 0
MOST_EXACT = 2000  # weights
_FOR_EIGENVALUES = 80  # products, as a rule


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of a symmetric matrix.

    Args:
        exact: whether all were computed.
        top: the largest, largest first.
        lowest: the lowest.
        trace: their sum, and its standard error.
        negative: the share of those below −`FLAT` of the largest by magnitude, and its error.
        flat: the share of those smaller than that by magnitude, and its error.
        density: of all.
        products: of the matrix with a vector that were made for it.
    """

    exact: bool
    top: tuple[float, ...]
    lowest: float
    trace: Estimate
    negative: Estimate
    flat: Estimate
    density: Density
    products: int

    @property
    def magnitude(self) -> float:
        """The largest by magnitude."""
        return max(abs(self.top[0]), abs(self.lowest))


@dataclass(frozen=True)
class Effort:
    """What the estimates may take.

    Args:
        products: for the trace.
        vectors: for the density.
        steps: for the density, each a product with every vector.
        seed: of all random vectors.
    """

    products: int = 60
    vectors: int = 8
    steps: int = 40
    seed: int = 0


def spectrum(
    operator: Operator,
    *,
    top: int = 5,
    method: Method = "auto",
    effort: Effort | None = None,
    tell: Tell = lambda done, of: None,
) -> Spectrum:
    """The spectrum of an operator.

    Args:
        operator: symmetric.
        top: how many of the largest eigenvalues.
        method: `exact` writes the matrix down; `auto` does for up to `MOST_EXACT` weights.
        effort: of the estimates.
        tell: hears of the progress.

    Raises:
        UserError: eigenvalues that did not settle.
    """
    if method == "exact" or (method == "auto" and operator.size <= MOST_EXACT):
        return _exact(Told(operator, operator.size, tell), top)
    effort = effort or Effort()
    expected = effort.products + effort.vectors * effort.steps + _FOR_EIGENVALUES
    return _estimated(Told(operator, expected, tell), top, effort)


class Told:
    """An operator that tells of its products.

    Args:
        operator: multiplies.
        expected: products.
        tell: hears of each.
    """

    def __init__(self, operator: Operator, expected: int, tell: Tell) -> None:
        self.size, self.like, self.count = operator.size, operator.like, 0
        self._operator, self._expected, self._tell = operator, expected, tell

    def products(self, vectors: Tensor) -> Tensor:
        """See `Operator.products`."""
        answer = self._operator.products(vectors)
        self.count += len(vectors)
        self._tell(self.count, max(self._expected, self.count))
        return answer


def _exact(operator: Told, top: int) -> Spectrum:
    values = torch.linalg.eigvalsh(dense(operator).double().cpu())
    all_of_them = Density(values[None], torch.full_like(values, 1 / len(values))[None])
    highest = tuple(values.flip(0)[:top].tolist())
    total = Estimate(values.sum().item(), 0.0)
    return _told(operator, True, highest, values[0].item(), total, all_of_them)


def _estimated(operator: Told, top: int, effort: Effort) -> Spectrum:
    highest, lowest = extreme_eigenvalues(operator, top, seed=effort.seed)
    total = trace(operator, products=effort.products, seed=effort.seed)
    found = density(operator, vectors=effort.vectors, steps=effort.steps, seed=effort.seed)
    return _told(operator, False, tuple(highest), lowest, total, found)


def _told(
    operator: Told,
    exact: bool,
    top: tuple[float, ...],
    lowest: float,
    total: Estimate,
    found: Density,
) -> Spectrum:
    edge = FLAT * max(abs(top[0]), abs(lowest))
    negative = Estimate(*found.share(-float("inf"), -edge))
    flat = Estimate(*found.share(-edge, edge)) if edge else Estimate(1.0, 0.0)
    return Spectrum(exact, top, lowest, total, negative, flat, found, operator.count)
