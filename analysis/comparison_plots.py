"""The figures of a comparison: learning curves with bands, and the groups' intervals."""

import numpy as np
from matplotlib.figure import Figure

from .compare import Comparison, Group
from .statistics import interval

# Okabe & Ito 2008, as in `curves`: told apart by people of any colour vision.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MOST_CURVES = len(_COLOURS)
_MOST_ROWS = 40
_WIDTH = 7.2  # inches
_LONG = 34  # characters of a group's name beside an axis

Band = tuple[list[int], list[float], list[float], list[float]]
"""Steps, and at each the mean with the ends of its interval."""


def draw_curves(comparison: Comparison, width: float = _WIDTH) -> Figure | None:
    """The metric on the validation data against steps: means, with 95 % bands over the runs.

    A group's curve ends where the first of its runs does: beyond, the mean would be that of the
    runs that went on.

    Args:
        comparison: its groups, the first of which are drawn.
        width: of the figure, in inches.
    """
    name = curve_of(comparison.metric)
    groups = [(index, group) for index, group in enumerate(comparison.groups) if group.runs]
    bands = [(index, group, band(group, name)) for index, group in groups[:_MOST_CURVES]]
    drawn = [(index, group, found) for index, group, found in bands if found[0]]
    if not drawn:
        return None
    longest = max(len(cut(group.name)) for _, group, _ in drawn) + len(" (n = 5)")
    ncols = 2 if len(drawn) > 1 and longest < 5 * width else 1  # some 10 characters an inch
    rows = -(-len(drawn) // ncols)
    figure = Figure(figsize=(width, 0.55 * width + 0.2 * rows), layout="constrained")
    axis = figure.subplots()
    for (index, group, (steps, means, lows, highs)), colour in zip(drawn, _COLOURS, strict=False):
        few = len(steps) <= 30
        label = f"{cut(group.name)} (n = {len(group.runs)})"
        axis.fill_between(
            steps, lows, highs, color=colour, alpha=0.15, linewidth=0, gid=part_of(index, "band")
        )
        axis.plot(
            steps, means, color=colour, linewidth=1.6, label=label, marker="o" if few else "",
            markersize=3, gid=part_of(index, "mean"),
        )  # fmt: skip
    which = "ranked first" if not comparison.unranked else "first"
    left = f", the {_MOST_CURVES} {which} of {len(groups)}" if len(groups) > _MOST_CURVES else ""
    axis.set_title(f"mean over runs, 95 % interval{left}", fontsize=9, loc="left", color="0.35")
    axis.set_xlabel("step")
    axis.set_ylabel(name)
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize=8.5, loc="outside lower left", ncols=ncols)
    return figure


def curve_of(metric: str) -> str:
    """The metric that is measured while training: `test/f1` has its curve in `val/f1`."""
    split, slash, name = metric.partition("/")
    return f"val/{name}" if slash and split == "test" else metric


def band(group: Group, name: str) -> Band:
    """Mean and interval at each step that all runs of the group have, up to the shortest's end."""
    curves = [run.curves().get(name, ([], [])) for run in group.runs]
    by_step = [dict(zip(*curve, strict=True)) for curve in curves]
    shared = [s for s in curves[0][0] if all(s in values for values in by_step)] if curves else []
    means, lows, highs = [], [], []
    for step in shared:
        values = [each[step] for each in by_step]
        mean = float(np.mean(values))
        finite = bool(np.isfinite(values).all())
        low, high = (interval(values) if finite else None) or (mean, mean)
        means.append(mean)
        lows.append(low)
        highs.append(high)
    return shared, means, lows, highs


def draw_intervals(comparison: Comparison, width: float = _WIDTH) -> Figure:
    """Each group's runs as dots, its mean and interval as a line, best on top."""
    numbered = [(index, group) for index, group in enumerate(comparison.groups) if group.values]
    groups = [group for _, group in numbered[:_MOST_ROWS]]
    figure = Figure(figsize=(width, 0.9 + 0.34 * len(groups)), layout="constrained")
    axis = figure.subplots()
    for row, (index, group) in enumerate(numbered[:_MOST_ROWS]):
        colour = "#009E73" if group.best else "#0072B2"
        if group.interval is not None:
            axis.plot(
                group.interval, (row, row), color=colour, linewidth=2.2, alpha=0.75,
                gid=part_of(index, "interval"),
            )  # fmt: skip
        axis.plot(
            group.values, [row] * len(group.values), "o", color=colour, alpha=0.3, markersize=4,
            gid=part_of(index, "runs"),
        )  # fmt: skip
        axis.plot([group.mean], [row], "D", color=colour, markersize=5, gid=part_of(index, "mean"))
    axis.set_yticks(range(len(groups)), [cut(group.name) for group in groups], fontsize=9)
    axis.set_ylim(len(groups) - 0.4, -0.6)
    axis.set_xlabel(comparison.metric)
    axis.grid(alpha=0.25, axis="x")
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    return figure


def part_of(index: int, part: str) -> str:
    """The name in the SVG of a part of the group at that index: a page's script finds it."""
    return f"group-{index}-{part}"


def cut(name: str, most: int = _LONG) -> str:
    """The name, no longer than so many characters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
