"""A sweep as pictures: every run a line through all that varies, and a map of the two that matter.

In both the darker is the better, whichever way the metric points.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from .compare import Comparison
from .comparison_plots import cut, part_of
from .comparison_text import decimals
from .sweep_axes import Axis, Outcome, Scale, axes_of, outcomes, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

_MOST_AXES = 9
_MOST_TICKS = 16
_MOST_IN_CELLS = 10  # columns, for numbers to fit into the cells
_GREY = "0.6"
_WIDTH = 7.2  # inches


def draw_parallel(comparison: Comparison, width: float = _WIDTH) -> Figure | None:
    """Each run a line from value to value of what varies, and to what it came to, on the right.

    Lines that share a value are fanned out by their result. A run that came to no value is dotted
    and ends before the metric.

    Args:
        comparison: its runs are drawn, with those that don't count.
        width: of the figure, in inches; more where there are many axes.

    Returns:
        The figure; None where nothing but the seed varies.
    """
    runs, axes = _drawn(comparison)
    if not axes:
        return None
    shown = axes[:_MOST_AXES]
    last = len(shown)
    figure = Figure(figsize=(max(width, 1.3 * (last + 1)), 4.4), layout="constrained")
    axis = figure.subplots()
    scale, colours, shade = _metric(comparison, [r.value for r in runs if r.value is not None])
    ranks = _ranks(comparison, runs)
    places = np.array([_fanned(each, ranks) for each in shown])
    bold = 0.7 if len(runs) > 100 else 1.3
    for run in sorted(range(len(runs)), key=lambda i: -ranks[i]):  # the best on top
        value = runs[run].value
        ends = [] if value is None else [scale(value)]
        style: dict[str, Any] = {"color": _GREY, "linestyle": ":"}
        if value is not None:
            style = {"color": colours(shade(value)), "alpha": 0.85}
        axis.plot(*_curved([*places[:, run], *ends]), linewidth=bold,
                  gid=part_of(runs[run].group, f"run{run}"), **style)  # fmt: skip
    for index, each in enumerate(shown):
        _vertical(axis, index, cut(each.name, 22), each.ticks())
    _vertical(
        axis, last, comparison.metric, {scale(t): f"{t:g}" for t in scale.ticks()}, right=True
    )
    heights = np.linspace(0, 1, 65)
    values = [_at(scale, height) for height in (heights[:-1] + heights[1:]) / 2]
    shades = np.array([[shade(value)] for value in values])
    axis.pcolormesh([last, last + 0.035], heights, shades, cmap=colours, vmin=0, vmax=1)
    axis.set_xlim(-0.55, last + 0.4)
    axis.set_ylim(-0.12, 1.12)
    axis.set_axis_off()
    left = f", the {last} that tell most of {len(axes)}" if len(axes) > last else ""
    figure.suptitle(f"{_counts(runs, 'dotted')}{left}", fontsize=9, color="0.35")
    return figure


def draw_heatmap(comparison: Comparison, width: float = _WIDTH) -> Figure | None:
    """The metric over the two things that explain most of it, each cell a mean over its runs.

    Where one of them is a range of many numbers, as in a search, every run is a dot.

    Args:
        comparison: its runs are drawn, with those that don't count.
        width: of the figure, in inches.

    Returns:
        The figure; None where fewer than two things vary, the seed included.
    """
    runs, axes = _drawn(comparison)
    if len(axes) < 2:
        return None
    # The shorter words stand below.
    across, down = sorted(axes[:2], key=lambda each: max(map(len, each.levels)))
    if across.scale is not None or down.scale is not None:
        figure = _scatter(comparison, runs, across, down, width)
    else:
        figure = _cells(comparison, runs, across, down, width)
    figure.axes[0].set_xlabel(across.name)
    figure.axes[0].set_ylabel(down.name)
    return figure


def _drawn(comparison: Comparison) -> tuple[list[Outcome], list[Axis]]:
    runs = outcomes(comparison)
    return runs, axes_of(comparison) if comparison.keys else []


def _counts(runs: Sequence[Outcome], lost_are: str) -> str:
    lost = sum(each.value is None for each in runs)
    told = f"{len(runs)} runs, the darker the better"
    return f"{told}; {lost} without a value {lost_are}" if lost else told


def _metric(comparison: Comparison, values: Sequence[float]) -> tuple[Scale, "Colormap", Any]:
    """The metric's scale, the colours, and the shade of a value, from 0 to 1, the best."""
    from matplotlib import colormaps

    scale = scale_of(values)
    colours = colormaps["viridis_r"]
    if comparison.mode == "max":
        return scale, colours, scale
    return scale, colours, lambda value: 1 - scale(value)


def _ranks(comparison: Comparison, runs: Sequence[Outcome]) -> list[int]:
    """Each run's place from the best, 0; those without a value are last."""
    sign = -1 if comparison.mode == "max" else 1
    values = [np.inf if each.value is None else sign * each.value for each in runs]
    order = sorted(range(len(runs)), key=lambda i: values[i])
    return [order.index(i) for i in range(len(runs))]


def _fanned(axis: Axis, ranks: Sequence[int]) -> list[float]:
    """Where each run crosses the axis: those of one value side by side, by their result."""
    places = axis.places()
    if axis.scale is not None:
        return places
    gap = 1 / max(1, len(axis.levels) - 1)
    members: dict[float, list[int]] = {}
    for run in sorted(range(len(places)), key=lambda i: -ranks[i]):
        members.setdefault(places[run], []).append(run)
    for place, those in members.items():
        half = min(0.3 * gap, 0.005 * (len(those) - 1), 0.1)
        for run, offset in zip(those, np.linspace(-half, half, len(those)), strict=True):
            places[run] = place + (float(offset) if len(those) > 1 else 0.0)
    return places


def _curved(heights: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """A line through the heights, level at each of them."""
    t = np.linspace(0, 1, 25)
    ease = t * t * (3 - 2 * t)
    x = [index + t for index in range(len(heights) - 1)]
    y = [a + (b - a) * ease for a, b in pairwise(heights)]
    return np.concatenate([*x, [len(heights) - 1.0]]), np.concatenate([*y, [heights[-1]]])


def _at(scale: Scale, place: float) -> float:
    """The value that stands there."""
    if scale.log:
        return float(scale.low * (scale.high / scale.low) ** place)
    return scale.low + place * (scale.high - scale.low)


def _vertical(
    axis: "Axes", x: int, name: str, ticks: dict[float, str], *, right: bool = False
) -> None:
    """One of the parallel axes, with its name above and its values beside it."""
    axis.plot([x, x], [0, 1], color="0.25", linewidth=1, zorder=5)
    axis.text(x, 1.13, name, ha="center", va="bottom", fontsize=9, fontweight="bold")
    behind = {"boxstyle": "square,pad=0.15", "facecolor": "white", "alpha": 0.75, "linewidth": 0}
    every = -(-len(ticks) // _MOST_TICKS)
    for place, label in list(ticks.items())[::every]:
        axis.text(
            x + (0.06 if right else -0.03), place, cut(label, 22), va="center", fontsize=8,
            ha="left" if right else "right", bbox=behind, zorder=6,
        )  # fmt: skip


def _cells(
    comparison: Comparison, runs: Sequence[Outcome], across: Axis, down: Axis, width: float
) -> Figure:
    found: dict[tuple[int, int], list[float | None]] = {}
    for outcome, column, row in zip(runs, across.values, down.values, strict=True):
        place = down.levels.index(row), across.levels.index(column)
        found.setdefault(place, []).append(outcome.value)
    counted = {place: [v for v in values if v is not None] for place, values in found.items()}
    means = {place: sum(values) / len(values) for place, values in counted.items() if values}
    _, colours, shade = _metric(comparison, list(means.values()))
    rows, columns = len(down.levels), len(across.levels)
    shades = np.full((rows, columns), np.nan)
    for place, mean in means.items():
        shades[place] = shade(mean)
    figure = Figure(figsize=(width, 1.5 + min(9.0, 0.45 * rows)), layout="constrained")
    axis = figure.subplots()
    axis.set_facecolor("0.93")
    edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    axis.pcolormesh(*edges, shades, cmap=colours, vmin=0, vmax=1, edgecolors="white", linewidth=1)
    axis.invert_yaxis()
    if columns <= _MOST_IN_CELLS:
        digits = decimals(comparison)
        for (y, x), values in found.items():
            told, colour = _in_cell(values, digits), "white" if shades[y, x] > 0.5 else "0.15"
            axis.text(x, y, told, ha="center", va="center", fontsize=8, color=colour)
    _label_cells(axis, across.levels, down.levels, width)
    sizes = sorted({len(values) for values in counted.values() if values})
    several = f"mean of {'–'.join(str(n) for n in {sizes[0]: 0, sizes[-1]: 0})} runs each, "
    told = f"{comparison.metric}, {several if sizes[-1] > 1 else ''}the darker the better"
    axis.set_title(told, fontsize=9, loc="left", color="0.35")
    return figure


def _in_cell(values: Sequence[float | None], digits: int) -> str:
    """The mean of the values, and how many are missing."""
    counted = [value for value in values if value is not None]
    if not counted:
        return "no value"
    lost = len(values) - len(counted)
    mean = f"{sum(counted) / len(counted):.{digits}f}"
    return f"{mean}\n{lost} of {len(values)} lost" if lost else mean


def _label_cells(axis: "Axes", across: Sequence[str], down: Sequence[str], width: float) -> None:
    every = -(-len(across) // _MOST_TICKS)
    below = [cut(level) for level in across[::every]]
    steep = sum(map(len, below)) > 9 * width
    turn: dict[str, Any] = {"rotation": 30, "ha": "right"} if steep else {}
    axis.set_xticks(range(0, len(across), every), below, fontsize=8.5, **turn)
    every = -(-len(down) // (2 * _MOST_TICKS))
    axis.set_yticks(
        range(0, len(down), every), [cut(level) for level in down[::every]], fontsize=8.5
    )
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)


def _scatter(
    comparison: Comparison, runs: Sequence[Outcome], across: Axis, down: Axis, width: float
) -> Figure:
    scale, colours, shade = _metric(comparison, [r.value for r in runs if r.value is not None])
    figure = Figure(figsize=(width, 0.62 * width), layout="constrained")
    axis = figure.subplots()
    x, y = np.array(across.places()), np.array(down.places())
    lost = np.array([each.value is None for each in runs])
    axis.plot(x[lost], y[lost], "x", color=_GREY, markersize=5)
    ranks = np.array(_ranks(comparison, runs))
    order = [run for run in np.argsort(-ranks) if not lost[run]]  # the best on top
    shades = [shade(value) for run in order if (value := runs[run].value) is not None]
    axis.scatter(x[order], y[order], c=shades, cmap=colours, vmin=0, vmax=1, s=42,
                 edgecolors="0.3", linewidths=0.5)  # fmt: skip
    best = int(ranks.argmin())
    axis.plot(x[best], y[best], "o", markersize=13, fillstyle="none", color="#D55E00")
    for each, set_ticks in ((across, axis.set_xticks), (down, axis.set_yticks)):
        ticks = each.ticks()
        set_ticks(list(ticks), [cut(label) for label in ticks.values()], fontsize=8.5)
    axis.margins(0.06)
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title(f"{comparison.metric} of {_counts(runs, 'crossed')}; best ringed", fontsize=9,
                   loc="left", color="0.35")  # fmt: skip
    bar = figure.colorbar(axis.collections[0], ax=axis, aspect=30)
    marks = [(shade(tick), f"{tick:g}") for tick in scale.ticks()]
    bar.set_ticks([place for place, _ in marks], labels=[label for _, label in marks], fontsize=8)
    bar.outline.set_visible(False)
    return figure
