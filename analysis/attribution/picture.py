"""The picture of an attribution: maps beside images, or what each feature does to every sample."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from . import INTEGRATED, Attribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = 6  # samples
_FEATURES = 15


def draw(found: Attribution) -> "Figure":
    """Red raises what is attributed, blue lowers it."""
    return _images(found) if len(found.spec.input_shape) == 3 else _features(found)


def title(found: Attribution) -> str:
    """What is attributed."""
    scores = found.scores
    if scores.of == "loss":
        return "loss of each sample"
    assert scores.classes is not None
    chosen = set(scores.classes.tolist())
    whose = _label(found, chosen.pop()) if len(chosen) == 1 else "the class answered"
    return f"{scores.of} of {whose}" if whose else scores.of


def _label(found: Attribution, index: int) -> str:
    labels = found.spec.labels
    return labels[index] if index < len(labels) else ("" if found.spec.outputs == 1 else str(index))


def _images(found: Attribution) -> "Figure":
    from matplotlib.figure import Figure

    inputs = found.scores.batch["input"].cpu()
    shown = min(_SHOWN, len(inputs))
    figure = Figure(
        figsize=(1.45 * (1 + len(found.maps)), 1.45 * shown + 0.5), layout="constrained"
    )
    axes = figure.subplots(shown, 1 + len(found.maps), squeeze=False)
    for row, image in enumerate(inputs[:shown]):
        low, high = image.amin(), image.amax()
        picture = ((image - low) / (high - low).clamp(min=1e-6)).movedim(0, -1)
        grey = picture if picture.shape[-1] == 3 else picture.mean(-1)
        axes[row, 0].imshow(grey.numpy(), cmap="gray", vmin=0, vmax=1)
        axes[row, 0].set_ylabel(_caption(found, row), fontsize=8)
        for column, (name, values) in enumerate(found.maps.items(), 1):
            _map(axes[row, column], values[row].cpu())
            if row == 0:
                axes[row, column].set_title(name, fontsize=8)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.suptitle(f"{title(found)}: red raises it, blue lowers it", fontsize=9)
    return figure


def _caption(found: Attribution, row: int) -> str:
    """The class and its score, or the loss."""
    value, classes = found.values[row].item(), found.scores.classes
    label = "loss" if classes is None else _label(found, int(classes[row]))
    return f"{label}: {value:.3g}" if label else f"{value:.3g}"


def _map(axis: "Axes", values: Tensor) -> None:
    """Channels summed; the colours reach as far as 99 % of the values."""
    summed = values.sum(0)
    reach = summed.abs().flatten().quantile(0.99).clamp(min=1e-12).item()
    axis.imshow(summed.numpy(), cmap="bwr", vmin=-reach, vmax=reach, interpolation="nearest")


def _features(found: Attribution) -> "Figure":
    from matplotlib.figure import Figure

    names = [name for name, _ in found.ranking()][:_FEATURES]
    places = {name: place for place, name in enumerate(found.features)}
    inputs = found.scores.batch["input"].cpu()
    figure = Figure(figsize=(7, 1.2 + 0.32 * len(names)), layout="constrained")
    axis = figure.subplots()
    generator = torch.Generator().manual_seed(0)
    for height, name in enumerate(reversed(names)):
        values = found.maps[INTEGRATED][:, places[name]].cpu()
        given = inputs[:, places[name]]
        ranks = given.argsort().argsort() / max(1, len(given) - 1)
        jitter = 0.3 * (torch.rand(len(values), generator=generator) - 0.5)
        dots = axis.scatter(values, height + jitter, c=ranks, cmap="coolwarm", s=10, linewidths=0)
    axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.set_yticks(range(len(names)), list(reversed(names)), fontsize=8)
    axis.set_xlabel(f"integrated gradients of the {title(found)}")
    axis.spines[["top", "right"]].set_visible(False)
    bar = figure.colorbar(dots, ax=axis, ticks=[0, 1])
    bar.ax.set_yticklabels(["low", "high"], fontsize=8)
    bar.set_label("feature, by rank", fontsize=8)
    return figure
