r"""The ends of a spectrum, by Lanczos' method with implicit restarts.

SciPy's `eigsh` (ARPACK) asks for a residual $\|A x - \lambda x\| \le \mathrm{tol} \cdot |\lambda|$,
which an eigenvalue close to 0 meets late or never. So it is given $A + s I$ for the largest, and
$A - s I$ for the lowest, with $s \approx \max |\lambda|$: both ends are then known to
$\mathrm{tol} \cdot s$, and better, since the error of an eigenvalue is of second order in the
residual.

References:
    R. B. Lehoucq, D. C. Sorensen, C. Yang, ARPACK users' guide. SIAM (1998).
"""

from typing import Any

import torch
from torch import Tensor

from ...errors import UserError
from .operator import Operator, dense

_RESTARTS = 300


def extreme_eigenvalues(
    operator: Operator, top: int = 5, *, tol: float = 1e-4, seed: int = 0
) -> tuple[list[float], float]:
    """The largest eigenvalues, largest first, and the lowest.

    Args:
        operator: symmetric.
        top: how many of the largest; fewer if there are not so many.
        tol: relative to the largest by magnitude.
        seed: of the first vector.

    Raises:
        UserError: they did not settle.
    """
    if operator.size <= max(20, 2 * top):
        values = torch.linalg.eigvalsh(dense(operator).double()).tolist()
        return values[::-1][:top], values[0]
    from scipy.sparse.linalg import ArpackNoConvergence

    try:
        scale = largest_magnitude(operator, seed=seed)
        if scale == 0:
            return [0.0] * top, 0.0
        above = _eigsh(operator, top, "LA", scale, tol, seed)
        below = _eigsh(operator, 1, "SA", -scale, tol, seed)
    except ArpackNoConvergence as error:
        raise UserError(
            f"the eigenvalues have not settled after {_RESTARTS} restarts: ask for fewer "
            "(--top 1), or compute in double precision (--double)"
        ) from error
    return sorted(above, reverse=True), below[0]


def largest_magnitude(operator: Operator, *, tol: float = 1e-2, seed: int = 0) -> float:
    r"""$\max |\lambda|$, the spectral norm; 0 for the matrix 0."""
    start = operator.products(_vector(operator, seed))
    if not bool(start.isfinite().all()):
        raise UserError(
            "the loss has second derivatives that are not finite at these weights: look for "
            "sqrt(0) or log(0) in it"
        )
    if not bool(start.any()):
        return 0.0
    return abs(_eigsh(operator, 1, "LM", 0.0, tol, seed)[0])


def _eigsh(
    operator: Operator, count: int, which: str, shift: float, tol: float, seed: int
) -> list[float]:
    """Eigenvalues of A, found as those of A + shift · I."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    def multiply(vector: Any) -> Any:
        tensor = torch.from_numpy(vector).to(operator.like).view(1, -1)
        product = operator.products(tensor).view(-1).double().cpu().numpy()
        return product + shift * vector.ravel()

    size = operator.size
    matrix = LinearOperator((size, size), matvec=multiply, dtype="float64")
    start = _vector(operator, seed).view(-1).double().cpu().numpy()
    values = eigsh(
        matrix, count, which=which, v0=start, tol=tol, maxiter=_RESTARTS, return_eigenvectors=False
    )
    return [float(value) - shift for value in values]


def _vector(operator: Operator, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, operator.size, generator=generator).to(operator.like)
