"""Parameters of an equation from measurements some of which are grossly wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..data.enzyme_rates import TRUTH
from ..losses import huber
from ..training.answer import Answer, Finding, Trained

_CLOSE = 0.1  # of the parameter
_AT_OPTIMUM = 0.01  # of the loss


def left(x: Tensor, maximum: float = 80.0, michaelis: float = 2.0) -> Tensor:
    """f1, the rate by Michaelis and Menten: V s / (K + s)."""
    return maximum * x[:, 0] / (michaelis + x[:, 0])


def right(x: Tensor, baseline: float = 0.0) -> Tensor:
    """f2, the rate that was read without what the instrument adds: v − b."""
    return x[:, 1] - baseline


def answer(trained: Trained) -> Answer:
    """How near the parameters came to those that the data obey, and Huber's gradient."""
    found = {name: value.item() for name, value in _theta(trained).items()}
    errors = {name: abs(found[name] - truth) / truth for name, truth in TRUTH.items()}
    worst = max(errors.values())
    (term,) = trained.objective.terms
    reached, lowest = trained.loss("train")["loss"], _lowest(trained, found)
    left_over = (reached - lowest) / lowest
    delta = float(term.options.get("delta", 1.0))
    gradients = huber_gradients(delta)
    gap = max(abs(taken - exact) for taken, exact in gradients.values())
    return Answer(
        (
            *(Finding(n, f"{n}, truly {truth:g}", found[n]) for n, truth in TRUTH.items()),
            Finding(
                "theta_error", "relative error of the worst", worst, f"< {_CLOSE}", worst < _CLOSE
            ),
            Finding(
                "loss_gap",
                "loss above the lowest near by, relative",
                left_over,
                f"< {_AT_OPTIMUM}",
                left_over < _AT_OPTIMUM,
            ),
            *(
                Finding(f"slope_at_{at:g}_delta", f"Huber's gradient at {at:g}·delta", taken)
                for at, (taken, _) in gradients.items()
            ),
            Finding(
                "gradient_error",
                "its error against the residual cut at ±delta",
                gap,
                "< 1e-6",
                gap < 1e-6,
            ),
        ),
        (_plot(trained, found),),
        f"{term.name} {'recovers' if worst < _CLOSE else 'does not recover'} the parameters.",
    )


def _theta(trained: Trained) -> dict[str, Tensor]:
    """The equation's parameters by name."""
    return {n.removeprefix("theta."): p for n, p in trained.model.named_parameters()}


@torch.no_grad()
def _lowest(trained: Trained, found: Mapping[str, float]) -> float:
    """The lowest loss on the training data that Nelder and Mead's search finds near by."""
    from scipy.optimize import minimize

    theta, x = _theta(trained), trained.predict("train")["input"]
    (term,) = trained.objective.terms

    def loss(values: Sequence[float]) -> float:
        for name, value in zip(found, values, strict=True):
            theta[name].fill_(value)
        sides = trained.model(x)
        return term.forward(sides).item()

    best = minimize(loss, list(found.values()), method="Nelder-Mead")
    loss(list(found.values()))  # put back
    return float(best.fun)


def huber_gradients(delta: float) -> Mapping[float, tuple[float, float]]:
    """The gradient by autograd and in closed form, inside and outside of ±delta.

    >>> huber_gradients(0.5)[-2.0]
    (-0.5, -0.5)
    """
    found = {}
    for at in (-2.0, -0.5, 0.5, 2.0):
        residual = torch.tensor([[at * delta]], requires_grad=True)
        loss = huber(residual, torch.zeros(1, 1), delta=delta).sum()
        (gradient,) = torch.autograd.grad(loss, residual)
        found[at] = (gradient.item(), max(-delta, min(delta, at * delta)))
    return found


def _plot(trained: Trained, found: Mapping[str, float]) -> Path:
    from matplotlib.figure import Figure

    substrate, rate = trained.predict("train")["input"].T
    grid = torch.logspace(-1.3, 1.3, 200)
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(substrate, rate, ".", color="0.55", markersize=5, label="measured")
    for label, values, style in (("truth", TRUTH, "k--"), ("found", found, "C3-")):
        curve = values["baseline"] + values["maximum"] * grid / (values["michaelis"] + grid)
        axes.plot(grid, curve, style, label=label)
    axes.set(xscale="log", xlabel="substrate s", ylabel="rate v", title="V s / (K + s) = v − b")
    axes.legend(frameon=False)
    path = trained.plot_path("equation")
    figure.savefig(path, dpi=110)
    return path
