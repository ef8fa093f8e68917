"""The figure of `losslab explain --plot`: losses and their gradients along one axis."""

import re
from collections.abc import Sequence
from statistics import median_low
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from .profile import Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito 2008: told apart by people of any colour vision, and in print by their dashes.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES = (
    *("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5))),
    *((0, (9, 2)), (0, (6, 1.2, 1.2, 1.2, 1.2, 1.2)), (0, (2.5, 1))),
)
_STEEP = 4.2  # a curve this many times as high as the typical one leaves the plot
_SYMBOLS = {"margin": "m", "residual": "r", "probability": "p", "parameter": "w", "scale": "s"}
_SYMBOLS |= {
    "mu": r"\mu",
    "correlation": r"\rho",
    "ratio": "r",
    "angle": r"\theta",
    "step": "h",
}


def draw_profiles(profiles: Sequence[Profile]) -> Figure:
    """Values on the left, gradients on the right, all losses in both.

    Args:
        profiles: along one axis.
    """
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    values, gradients = figure.subplots(1, 2, sharex=True)
    for index, profile in enumerate(profiles):
        style = {
            "color": _COLOURS[index % len(_COLOURS)],
            "linestyle": _DASHES[index % len(_DASHES)],
            "linewidth": 1.7,
            "label": profile.name,
        }
        values.plot(profile.x, profile.value, **style)
        gradients.plot(profile.x, _with_gaps(profile.gradient), **style)
    axis = profiles[0].view.axis
    symbol = _SYMBOLS.get(axis, rf"\ \mathrm{{{axis}}}".replace("_", r"\ "))
    values.set_ylabel(r"loss $\ell$")
    gradients.set_ylabel(rf"gradient $\partial\ell/\partial {symbol}$")
    label = re.sub(r"\b([mrpwshρθ])(?=[ ,;]|$)", r"$\1$", profiles[0].view.label, count=1)
    losses = [p.name.removesuffix(f", {p.view.case}") for p in profiles]
    _finish(values, losses, [p.value for p in profiles])
    _finish(gradients, losses, [p.gradient for p in profiles])
    figure.supxlabel(label, fontsize=9)
    values.legend(frameon=False, fontsize=8.5, handlelength=2.6)
    return figure


def _with_gaps(gradient: Sequence[float]) -> "np.ndarray":
    """The gradient, with a gap where it jumps: a line there would be a slope that it lacks."""
    values = np.array(gradient)
    steps = np.abs(np.diff(values))
    spread = np.ptp(values[np.isfinite(values)])
    for jump in np.flatnonzero(steps > 0.08 * spread):
        around = np.concatenate([steps[max(jump - 2, 0) : jump], steps[jump + 1 : jump + 3]])
        if len(around) and around.max() < 0.25 * steps[jump]:
            values[jump] = np.nan
    return values


def _finish(axes: "Axes", losses: Sequence[str], curves: Sequence[Sequence[float]]) -> None:
    axes.axhline(0, color="0.75", linewidth=0.8, zorder=0)
    axes.grid(color="0.92", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("0.4")
    axes.tick_params(labelsize=8, color="0.4")
    axes.yaxis.label.set_fontsize(9)
    axes.margins(x=0)
    limits = _limits(losses, curves)
    if limits is not None:
        axes.set_ylim(*limits)


def _limits(losses: Sequence[str], curves: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Where the axis ends, if the steepest curves would press the others to the ground."""
    finite = [np.array(c)[np.isfinite(c)] for c in curves]
    high, low = max(c.max() for c in finite), min(c.min() for c in finite)
    heights: dict[str, float] = {}
    for loss, curve in zip(losses, finite, strict=True):
        heights[loss] = max(heights.get(loss, 0.0), float(np.abs(curve).max()))
    typical = median_low(heights.values())
    if max(high, -low) <= _STEEP * typical:
        return None
    high, low = min(high, 2 * typical), max(low, -2 * typical)
    margin = 0.05 * (high - low)
    return low - margin, high + margin
