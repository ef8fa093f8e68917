r"""The density of a spectrum, by stochastic Lanczos quadrature.

The density is $\phi(\lambda) = \frac{1}{P} \sum_i \delta(\lambda - \lambda_i)$. For a random
vector v of length 1 the density weighed by $(v^\top x_i)^2$, with $x_i$ the eigenvectors, has
$\phi$ as its mean. m steps of Lanczos' method from v give a tridiagonal $T = U \Theta U^\top$,
whose eigenvalues $\theta_l$ with weights $u_{1l}^2$ are the Gauss quadrature of that density: the
two agree in every polynomial up to degree $2m - 1$. The mean over several v estimates $\phi$.

All vectors take their steps together, so a batch's graph is built once for all, and only three
vectors of each are kept: nothing is orthogonalised again. Rounding then lets eigenvalues of T
appear several times, each with a part of the weight, which the quadrature does not mind; only close
to 0 it scatters them, which is why what is close to 0 is counted as one.

References:
    B. Ghorbani, S. Krishnan, Y. Xiao, An investigation into neural net optimization via Hessian
    eigenvalue density. ICML (2019), algorithm 1.
    T. Chen, T. Trogdon, S. Ubaru, Analysis of stochastic Lanczos quadrature for spectrum
    approximation. ICML (2021).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .operator import Operator


class Density(NamedTuple):
    """Nodes and weights of a quadrature, one row a random vector; or all eigenvalues in one row.

    Args:
        nodes: `[vectors, nodes]`.
        weights: of the same shape; each row sums to 1.
    """

    nodes: Tensor
    weights: Tensor

    def share(self, low: float, high: float = float("inf")) -> tuple[float, float]:
        """The share of eigenvalues between low and high, and its standard error."""
        inside = (self.nodes >= low) & (self.nodes < high)
        shares = (self.weights * inside).sum(1)
        error = shares.std().item() / len(shares) ** 0.5 if len(shares) > 1 else 0.0
        return shares.mean().item(), error

    def at(self, points: Tensor, width: float) -> Tensor:
        r"""$\phi$ at `points`, each node broadened to a Gaussian of that width; `[points]`."""
        distance = (points.unsqueeze(1) - self.nodes.flatten()) / width
        heights = torch.exp(-distance.square() / 2) / (width * math.sqrt(2 * math.pi))
        return torch.mv(heights, self.weights.flatten()) / len(self.nodes)


def density(operator: Operator, *, vectors: int = 8, steps: int = 40, seed: int = 0) -> Density:
    """The spectral density, in double precision on the CPU.

    Args:
        operator: symmetric.
        vectors: random, whose quadratures are averaged.
        steps: of Lanczos' method, each a product with every vector; nodes of each quadrature.
        seed: of the vectors.
    """
    generator = torch.Generator().manual_seed(seed)
    steps = min(steps, operator.size)
    start = torch.randn(vectors, operator.size, generator=generator).to(operator.like)
    diagonal, beside = _lanczos(operator, start, steps)
    matrices = torch.diag_embed(diagonal)
    matrices += torch.diag_embed(beside, 1) + torch.diag_embed(beside, -1)
    nodes, modes = torch.linalg.eigh(matrices)
    return Density(nodes, modes[:, 0].square())


def _lanczos(operator: Operator, start: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The diagonal `[vectors, steps]` of T and what stands beside it, `[vectors, steps - 1]`."""
    current = start / start.norm(dim=1, keepdim=True)
    before, off = torch.zeros_like(current), current.new_zeros(len(current), 1)
    diagonal, beside = [], []
    for _ in range(steps):
        moved = operator.products(current) - off * before
        alpha = (moved * current).sum(1, keepdim=True)
        moved -= alpha * current
        off = moved.norm(dim=1, keepdim=True)
        diagonal.append(alpha)
        beside.append(off)
        # A vector that spans no more ends here: what follows is apart from it, of weight 0.
        scale = torch.cat([*diagonal, *beside], 1).abs().amax(1, keepdim=True)
        off = torch.where(off > 10 * torch.finfo(off.dtype).eps * scale, off, 0)
        beside[-1] = off
        before, current = current, torch.where(off > 0, moved / off, 0)
    return torch.cat(diagonal, 1).double().cpu(), torch.cat(beside, 1)[:, :-1].double().cpu()
