"""The picture of a curvature: the density of its spectra, and the slice of the loss."""

from typing import TYPE_CHECKING

import torch

from .landscape import Landscape
from .spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 600
_WIDTH = 0.008  # of the range, by which every eigenvalue is broadened
_LOWEST = 1e-4  # of the density that is drawn, in units of its mean over the range
_LEVELS = 18


def draw(spectra: "Mapping[str, Spectrum]", surface: Landscape | None = None) -> "Figure":
    """Densities on the left, the landscape on the right."""
    from matplotlib.figure import Figure

    count = 1 if surface is None else 2
    figure = Figure(figsize=(5.6 * count, 4), layout="constrained")
    axes = figure.subplots(1, count, squeeze=False)[0]
    _densities(axes[0], spectra)
    if surface is not None:
        (_plane if next(iter(surface.values.values())).ndim == 2 else _line)(axes[1], surface)
    return figure


def _densities(axes: "Axes", spectra: "Mapping[str, Spectrum]") -> None:
    low = min(s.lowest for s in spectra.values())
    high = max(s.top[0] for s in spectra.values())
    room = 0.05 * (high - low) or 1.0
    points = torch.linspace(low - room, high + room, _POINTS, dtype=torch.float64)
    width = _WIDTH * (high - low) or 0.01
    highest = 0.0
    for number, (name, spectrum) in enumerate(spectra.items()):
        heights = spectrum.density.at(points, width)
        highest = max(highest, heights.max().item())
        style = {"color": "0.1", "linewidth": 1.6} if number == 0 else {"linewidth": 1.1}
        dashed = "--" if number == len(spectra) - 1 and number else "-"
        axes.plot(points, heights, dashed, label=name, **style)
    first = next(iter(spectra.values()))
    axes.plot(first.top, [0.02] * len(first.top), "v", color="C3", markersize=5, label="top",
              transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(_LOWEST / (high - low or 1.0), 3 * highest)
    how = "exact" if all(s.exact for s in spectra.values()) else "stochastic Lanczos quadrature"
    axes.set(xlabel="eigenvalue", ylabel="density", title=f"spectrum ({how})")
    axes.legend(frameon=False, fontsize=8)


def _line(axes: "Axes", surface: Landscape) -> None:
    for number, (name, values) in enumerate(surface.values.items()):
        style = {"color": "0.1", "linewidth": 1.6} if number == 0 else {"linewidth": 1.1}
        axes.plot(surface.steps, values, label=name, **style)
    axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.set(
        xlabel="step along a random direction, in norms of each filter",
        ylabel="loss",
        title="slice of the loss",
    )
    if len(surface.values) > 1:
        axes.legend(frameon=False, fontsize=8)


def _plane(axes: "Axes", surface: Landscape) -> None:
    values = next(iter(surface.values.values()))
    lines = axes.contour(surface.steps, surface.steps, values.T, levels=_LEVELS, linewidths=0.9)
    axes.clabel(lines, fontsize=7)
    axes.plot(0, 0, "x", color="C3", markersize=7)
    axes.set(xlabel="first random direction", ylabel="second", title="slice of the loss")
    axes.set_aspect("equal")
