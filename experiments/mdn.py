"""A mixture density network, and what becomes of its loss written as the formula stands."""

import math
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor

from ..losses import mdn_nll
from ..models.mdn import draw_from_mixture
from ..training.answer import Answer, Finding, Trained

Loss = Callable[..., Tensor]

_EXTREMES = (1e2, 1e4, 1e8)  # how far off a target is; the data lie in [0, 1]


def naive_mdn_nll(mixture_logits: Tensor, mu: Tensor, log_sigma: Tensor, target: Tensor) -> Tensor:
    """The formula as it is written in books: a density that underflows to 0, and then its log.

    Args:
        mixture_logits: `[batch, components]`.
        mu: `[batch, components, outputs]`.
        log_sigma: `[batch, components, outputs]`.
        target: `[batch, outputs]`.
    """
    shares = torch.softmax(mixture_logits, -1)
    sigma = torch.exp(log_sigma)
    distance = (target.unsqueeze(1) - mu) / sigma
    density = torch.exp(-0.5 * distance**2) / (sigma * math.sqrt(2 * math.pi))
    return -torch.log((shares * density.prod(-1)).sum(-1))


def answer(trained: Trained) -> Answer:
    """Whether the loss stayed finite, and what each form makes of a target that is far off."""
    rows = trained.predict("test")
    steps, values = trained.history["train/loss"]
    finite = sum(math.isfinite(value) for value in values)
    drawn = draw_from_mixture(rows, torch.Generator().manual_seed(0))
    mean = (rows["mixture_logits"].softmax(-1).unsqueeze(-1) * rows["mu"]).sum(1)
    x = rows["input"]
    data, draws, means = (off_the_curve(x, y) for y in (rows["target"], drawn, mean))
    return Answer(
        (
            Finding(
                "finite",
                f"logged losses of {steps[-1]} steps that are finite",
                finite,
                f"all {len(values)}",
                finite == len(values),
            ),
            _surviving(trained, "stable", "log-sum-exp", mdn_nll, len(_EXTREMES)),
            _surviving(trained, "naive", "naive", naive_mdn_nll, 0),
            Finding("nll_loss", "−log p of the test data, in nats", trained.loss("test")["loss"]),
            Finding(
                "draws_error",
                f"distance in x of draws from the curve; of data {data:.2g}",
                draws,
                "less than twice that",
                draws < 2 * data,
            ),
            Finding("mean_error", "distance of the mean answer", means),
        ),
        (_plot(trained, rows, drawn, mean),),
        "Written out, one target far from every component has density 0, its log is infinite, "
        "and 0 · ∞ turns the weights into NaN even at lr 0; in log space nothing underflows.",
    )


def _surviving(trained: Trained, name: str, form: str, loss: Loss, wanted: int) -> Finding:
    count = sum(survives(trained, loss, far) for far in _EXTREMES)
    says = f"{form} form: far-off targets survived at lr 0"
    of_all = f"{wanted} of {len(_EXTREMES)}"
    return Finding(f"{name}_survives", says, count, of_all, count == wanted)


def survives(trained: Trained, loss: Loss, far: float) -> bool:
    """Whether all weights are finite after one step of learning rate 0 on a target that far off."""
    model = deepcopy(trained.model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    batch = next(trained.source.batches("train", 1))
    value = loss(**model(batch["input"]), target=batch["target"] + far).mean()
    torch.autograd.backward(value)
    optimizer.step()
    return all(bool(weight.isfinite().all()) for weight in model.parameters())


def off_the_curve(x: Tensor, y: Tensor) -> float:
    """Mean distance of x from y + 0.3 sin 2πy, of which the data are noisy points.

    >>> off_the_curve(torch.tensor([[0.5], [0.6]]), torch.tensor([[0.5], [0.5]]))
    0.05
    """
    return round(float((x - y - 0.3 * torch.sin(2 * math.pi * y)).abs().mean()), 6)


def _plot(trained: Trained, rows: dict[str, Tensor], drawn: Tensor, mean: Tensor) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    axes = figure.subplots()
    known = trained.predict("train")
    axes.plot(known["input"], known["target"], ".", color="0.8", markersize=4, label="data")
    axes.plot(rows["input"], drawn, "C0.", markersize=5, label="drawn from the mixture")
    order = rows["input"].flatten().argsort()
    axes.plot(rows["input"][order], mean[order], "C3-", linewidth=1.2, label="its mean")
    axes.set(xlabel="x", ylabel="y", title="x = y + 0.3 sin 2πy + noise")
    axes.legend(frameon=False)
    path = trained.plot_path("samples")
    figure.savefig(path, dpi=110)
    return path
