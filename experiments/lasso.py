"""The lasso by proximal steps, held against scikit-learn's, and what its zeros are."""

from pathlib import Path

import torch
from torch import Tensor

from ..training.answer import Answer, Finding, Trained

_DRAWS = 100_000
_MOST = 1e-4  # difference of a coefficient, of standardised features and target
_MOST_NATS = 1e-3


def answer(trained: Trained) -> Answer:
    """Coefficients, zeros and penalised likelihood beside the exact solver's."""
    rows = trained.predict("train")
    x, y = rows["input"].double(), rows["target"].flatten().double()
    weight = dict(trained.model.named_parameters())
    w, b = weight["weight"].detach().flatten().double(), weight["bias"].detach().double()
    alpha = _alpha(trained)
    exact_w, exact_b = _exact(x, y, alpha)
    gap = float((w - exact_w).abs().max())
    same = int(((w == 0) == (exact_w == 0)).sum())
    found = penalised_log_likelihood(x, y, w, b, alpha)
    best = penalised_log_likelihood(x, y, exact_w, exact_b, alpha)
    zeros, exact_zeros = int((w == 0).sum()), int((exact_w == 0).sum())
    drawn = _draws(alpha * len(y), len(w))
    return Answer(
        (
            Finding(
                "zeros",
                "coefficients that are exactly 0",
                zeros,
                f"{exact_zeros}, as scikit-learn",
                zeros == exact_zeros,
            ),
            Finding(
                "same_zeros",
                "coefficients that both have 0, or neither",
                same,
                f"all {len(w)}",
                same == len(w),
            ),
            Finding(
                "coefficient_error",
                "largest difference of a coefficient",
                gap,
                f"< {_MOST:g}",
                gap < _MOST,
            ),
            Finding(
                "log_likelihood",
                "penalised log-likelihood, −½‖Xw − y‖² − nα‖w‖₁",
                found,
            ),
            Finding(
                "log_likelihood_gap",
                "scikit-learn's is higher by, in nats",
                best - found,
                f"< {_MOST_NATS:g}",
                abs(best - found) < _MOST_NATS,
            ),
            Finding(
                "drawn_zeros",
                f"zeros among {drawn.numel():,} draws from the Laplace prior",
                int((drawn == 0).sum()),
            ),
        ),
        (_plot(trained, w, exact_w),),
        "The zeros are the mode's: the most probable coefficients are sparse, draws from the prior "
        "never are.",
    )


def penalised_log_likelihood(x: Tensor, y: Tensor, w: Tensor, b: Tensor, alpha: float) -> float:
    r"""$-(\tfrac12\lVert Xw + b - y\rVert^2 + n\alpha\lVert w\rVert_1)$, n times the objective.

    The likelihood itself, its exponential, is too small for a double wherever n is some hundreds.

    >>> one = torch.ones(1)
    >>> penalised_log_likelihood(torch.ones(2, 1), torch.tensor([1.0, 3.0]), one, 0 * one, 0.5)
    -3.0
    """
    residual = x @ w + b - y
    return -float(0.5 * residual.square().sum() + len(y) * alpha * w.abs().sum())


def _alpha(trained: Trained) -> float:
    (alpha,) = (t.weight_at(0.0) for t in trained.objective.terms if t.name == "l1_norm")
    return alpha


def _exact(x: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """scikit-learn's coefficients and intercept of the same objective."""
    from sklearn.linear_model import Lasso

    solver = Lasso(alpha=alpha, tol=1e-12, max_iter=1_000_000).fit(x.numpy(), y.numpy())
    return torch.tensor(solver.coef_), torch.tensor([solver.intercept_]).double()


def _draws(rate: float, size: int) -> Tensor:
    """Coefficients drawn from the density proportional to exp(−rate·‖w‖₁)."""
    generator = torch.Generator().manual_seed(0)
    length = torch.empty(_DRAWS, size, dtype=torch.double)
    length.exponential_(rate, generator=generator)
    return length * (2 * torch.randint(2, length.shape, generator=generator) - 1)


def _plot(trained: Trained, w: Tensor, exact: Tensor) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 3.5), layout="constrained")
    axes = figure.subplots()
    places = range(len(w))
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.plot(places, exact, "o", color="0.6", markersize=11, label="scikit-learn")
    axes.plot(places, w, "C3x", markersize=7, label="proximal steps")
    for place in places:
        if w[place] == 0:
            axes.annotate("0", (place, 0), (0, 9), textcoords="offset points", ha="center")
    axes.set(xlabel="feature", ylabel="coefficient", xticks=list(places))
    axes.legend(frameon=False)
    path = trained.plot_path("coefficients")
    figure.savefig(path, dpi=110)
    return path
