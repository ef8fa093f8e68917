"""The figure of `losslab trace --plot`: the path that the steps take over the loss."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from . import Trace, ready

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_CURVE_POINTS, _GRID_POINTS = 201, 41
_MARGIN = 0.2  # of the path's extent, beyond it


@dataclass(frozen=True)
class Path:
    """What a trace's steps went through.

    Args:
        label: what tells it from the others.
        trace: its steps.
        config: of the run, to compute its loss elsewhere.
    """

    label: str
    trace: Trace
    config: Mapping[str, Any]

    @property
    def points(self) -> "np.ndarray":
        """All weights after each step, `[steps + 1, weights]`."""
        rows = [torch.cat([w.flatten() for w in p.weights.values()]) for p in self.trace.points]
        return torch.stack(rows).numpy()

    @property
    def losses(self) -> list[float]:
        """The loss after each step."""
        return [point.loss for point in self.trace.points]

    @property
    def names(self) -> list[str]:
        """A name for each weight."""
        return [
            name if weight.numel() == 1 else f"{name}[{index}]"
            for name, weight in self.trace.points[0].weights.items()
            for index in range(weight.numel())
        ]


def draw(paths: Sequence[Path]) -> Figure:
    """One panel for each path over its loss, where it has one or two weights; the losses by step.

    Args:
        paths: the variants of a run.
    """
    over_weights = all(path.points.shape[1] in (1, 2) for path in paths)
    panels = len(paths) * over_weights
    figure = Figure(figsize=(3.3 * (panels + 1) + 0.6, 3.1), layout="constrained")
    axes = figure.subplots(1, panels + 1, squeeze=False)[0]
    if over_weights:
        low, high = _range(paths)
        for index, (path, axis) in enumerate(zip(paths, axes, strict=False)):
            surface = _curve if path.points.shape[1] == 1 else _contours
            surface(axis, path, low, high, _COLOURS[index % len(_COLOURS)])
            axis.set_title(_title(path, len(paths)), fontsize=9)
            if index:
                axis.sharex(axes[0])
                axis.sharey(axes[0])
    for index, path in enumerate(paths):
        colour = _COLOURS[index % len(_COLOURS)]
        label = _title(path, len(paths))
        axes[-1].plot(path.losses, "o-", color=colour, markersize=3, linewidth=1.3, label=label)
    axes[-1].set_xlabel("step")
    axes[-1].set_ylabel("loss")
    axes[-1].set_title("the loss after each step", fontsize=9)
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    if len(paths) > 1:
        axes[-1].legend(frameon=False, fontsize=8)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure


def _title(path: Path, count: int) -> str:
    rule = path.trace.rule
    return ": ".join(filter(None, [path.label if count > 1 else "", rule])) or path.label


def _range(paths: Sequence[Path]) -> "tuple[np.ndarray, np.ndarray]":
    """The lowest and highest of each weight that is drawn."""
    everywhere = np.concatenate([path.points for path in paths])
    everywhere = everywhere[np.isfinite(everywhere).all(1)]
    low, high = everywhere.min(0), everywhere.max(0)
    margin = _MARGIN * np.maximum(high - low, 1e-3)
    return low - margin, high + margin


def _curve(axis: "Axes", path: Path, low: "np.ndarray", high: "np.ndarray", colour: str) -> None:
    """The loss against the only weight, and the path on it."""
    loss = _loss_at(path.config)
    weights = np.linspace(low[0], high[0], _CURVE_POINTS)
    axis.plot(weights, [loss([w]) for w in weights], color="0.6", linewidth=1.2)
    axis.plot(path.points[:, 0], path.losses, "o-", color=colour, markersize=4, linewidth=0.9)
    axis.plot(path.points[0, 0], path.losses[0], "o", color="white", markeredgecolor=colour)
    axis.set_xlabel(path.names[0])
    axis.set_ylabel("loss")


def _contours(axis: "Axes", path: Path, low: "np.ndarray", high: "np.ndarray", colour: str) -> None:
    """Lines of equal loss over the two weights, and the path over them."""
    loss = _loss_at(path.config)
    x, y = (np.linspace(low[i], high[i], _GRID_POINTS) for i in (0, 1))
    heights = np.array([[loss([a, b]) for a in x] for b in y])
    axis.contour(x, y, heights, levels=14, colors="0.75", linewidths=0.8)
    axis.plot(*path.points.T, "o-", color=colour, markersize=4, linewidth=0.9)
    axis.plot(*path.points[0], "o", color="white", markeredgecolor=colour)
    axis.set_xlabel(path.names[0])
    axis.set_ylabel(path.names[1])


def _loss_at(config: Mapping[str, Any]) -> Callable[[Sequence[float]], float]:
    """The objective on the traced rows, as a function of all weights."""
    parts, batch = ready(config)
    parameters = list(parts.step.parameters.values())

    def loss(weights: Sequence[float]) -> float:
        with parts.step.leaving_no_trace(), torch.no_grad():
            given = torch.tensor(weights, dtype=parameters[0].dtype)
            nn.utils.vector_to_parameters(given, parameters)
            return parts.step.compute(batch, 0.0).total.item()

    return loss
