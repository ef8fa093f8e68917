"""Answers that must stay within bounds, whatever the image is."""

from pathlib import Path

import torch
from torch import Tensor

from ..data.power_angle import ANGLE, POWER
from ..training.answer import Answer, Finding, Trained

_LOW, _HIGH = torch.tensor([POWER, ANGLE]).T
_STRENGTHS = (1.0, 10.0, 1000.0)  # of noise, beside which a beam has brightness 1


def answer(trained: Trained) -> Answer:
    """How many answers leave what is possible, on test images and on images unlike any."""
    rows = trained.predict("test")
    prediction = rows["prediction"]
    noise = _answers_to_noise(trained, rows["input"])
    bounded = trained.config["model"]["bounds"] is not None
    errors = (prediction - rows["target"]).abs().mean(0).tolist()
    return Answer(
        (
            _outside("outside", "test images", prediction, bounded),
            _outside("outside_noise", "images of noise", noise, bounded),
            Finding("power_error", "mean absolute error of the power", errors[0]),
            Finding("angle_error", "mean absolute error of the angle, in radians", errors[1]),
        ),
        (_plot(trained, prediction, rows["target"], noise),),
        f"The head is {'bounded' if bounded else 'unbounded'}.",
    )


def _outside(name: str, where: str, prediction: Tensor, bounded: bool) -> Finding:
    count = outside(prediction)
    says = f"answers to {len(prediction)} {where} that no beam can have"
    return Finding(name, says, count, *(("0", count == 0) if bounded else ("", None)))


def outside(prediction: Tensor) -> int:
    """How many rows have a power or an angle that the data can't have.

    >>> outside(torch.tensor([[0.5, 0.0], [1.1, 0.0], [0.5, -1.5]]))
    2
    """
    return int(((prediction < _LOW) | (prediction > _HIGH)).any(1).sum())


@torch.no_grad()
def _answers_to_noise(trained: Trained, like: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(like.shape, generator=generator)
    device = next(trained.model.parameters()).device
    answers = [trained.model.eval()((scale * noise).to(device)) for scale in _STRENGTHS]
    return torch.cat(answers).cpu()


def _plot(trained: Trained, prediction: Tensor, target: Tensor, noise: Tensor) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    for output, (axes, name) in enumerate(
        zip(figure.subplots(1, 2), ("power", "angle"), strict=True)
    ):
        low, high = _LOW[output].item(), _HIGH[output].item()
        axes.axhspan(low, high, color="C2", alpha=0.12, label="possible")
        axes.plot([low, high], [low, high], color="0.6", linewidth=0.8)
        axes.plot(target[:, output], prediction[:, output], ".", markersize=5, label="test images")
        beside = torch.full((len(noise),), high + 0.1 * (high - low))
        axes.plot(beside, noise[:, output], "_", color="C3", label="noise")
        axes.set(xlabel=f"{name}, true", ylabel=f"{name}, answered")
        span = high - low
        axes.set_ylim(low - 0.6 * span, high + 0.6 * span)
    axes.legend(frameon=False, loc="upper left", fontsize="small")
    path = trained.plot_path("bounds")
    figure.savefig(path, dpi=110)
    return path
