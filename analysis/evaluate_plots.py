"""The picture of an evaluation: precision against recall, and claims against what came true."""

import math
from typing import TYPE_CHECKING, Any, Literal

from .calibration import Calibration
from .examine import Examined
from .threshold import Thresholded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABELS = 5  # curves beside that of all labels
_MARK = "C3"
_POINTS: dict[str, Any] = {
    "fmt": "o", "markersize": 5, "elinewidth": 1.1, "clip_on": False, "zorder": 5
}  # fmt: skip


def draw(found: Examined, chosen: Thresholded | None = None) -> "Figure":
    """Precision–recall on the left; on the right the reliability diagram above its histogram.

    Args:
        found: the probabilities.
        chosen: a threshold to mark beside 0.5.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplot_mosaic(
        [["curves", "bins"], ["curves", "mass"]], height_ratios=[4, 1], width_ratios=[1, 1]
    )
    axes["mass"].sharex(axes["bins"])
    _curves(axes["curves"], found, chosen)
    _reliability(axes["bins"], found)
    _mass(axes["mass"], found)
    for axis in axes.values():
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _curves(axes: "Axes", found: Examined, chosen: Thresholded | None) -> None:
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    if not found.curves:
        axes.set_title("precision–recall: no positive in the data")
        return
    whole, *others = found.curves
    axes.axhline(whole.share, color="0.6", linestyle="--", linewidth=1,
                 label=f"share of positives, {whole.share:.3g}")  # fmt: skip
    for curve in others[:_LABELS]:
        label = f"{curve.name}, {curve.average:.3f}"
        axes.plot(curve.recall, curve.precision, drawstyle="steps-post", linewidth=1, label=label)
    style: dict[str, Any] = {"color": "0.1", "linewidth": 1.6, "drawstyle": "steps-post"}
    everything = "all labels" if found.yes_or_no else "all classes"
    axes.plot(whole.recall, whole.precision, label=everything if others else None, **style)
    if found.yes_or_no:
        axes.plot(*whole.usual, "o", color="0.1", markerfacecolor="white", markersize=7,
                  clip_on=False, zorder=4, label="threshold 0.5")  # fmt: skip
    if chosen is not None:
        _mark(axes, chosen)
    axes.set_title(f"average precision {whole.average:.3f}")
    few = f"lowest {_LABELS} of {len(others)}" if len(others) > _LABELS else None
    _legend(axes, "lower left", few)


def _legend(
    axes: "Axes", place: Literal["lower left", "upper left"], title: str | None = None
) -> None:
    axes.legend(fontsize=8, loc=place, title=title, title_fontsize=8, alignment="left",
                framealpha=0.85, edgecolor="none")  # fmt: skip


def _mark(axes: "Axes", chosen: Thresholded) -> None:
    """The chosen threshold, with the intervals of recall and precision."""
    place = chosen.values["recall"], chosen.values["precision"]
    (left, right), (low, high) = chosen.intervals["recall"], chosen.intervals["precision"]
    axes.errorbar(
        *place,
        xerr=[[max(0, place[0] - left)], [max(0, right - place[0])]],
        yerr=[[max(0, place[1] - low)], [max(0, high - place[1])]],
        color=_MARK,
        label=f"threshold {chosen.threshold:.3g} ({chosen.rule}), 95 % intervals",
        **_POINTS,
    )


def _reliability(axes: "Axes", found: Examined) -> None:
    before, after = found.calibration, found.cooled
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
    if after is not None:
        axes.plot(after.claimed, after.came_true, "o", color="C0", markersize=4, alpha=0.6,
                  clip_on=False, label=f"at temperature {found.temperature:.3g}")  # fmt: skip
    _points(axes, before)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), ylabel=found.outcome)
    axes.tick_params(labelbottom=False)
    low, high = before.intervals["ece"]
    axes.set_title(f"ECE {before.values['ece']:.3f} ({low:.3f} … {high:.3f})")
    _legend(axes, "upper left")


def _points(axes: "Axes", found: Calibration) -> None:
    low = (found.came_true - found.ends[:, 0]).clamp(min=0)
    high = (found.ends[:, 1] - found.came_true).clamp(min=0)
    axes.errorbar(
        found.claimed,
        found.came_true,
        yerr=[low.tolist(), high.tolist()],
        color="0.1",
        label=f"{found.how}, 95 % intervals",
        **_POINTS,
    )


def _mass(axes: "Axes", found: Examined) -> None:
    from matplotlib.ticker import NullFormatter

    share = found.calibration.mass / found.calibration.mass.sum()
    width = 1 / len(share)
    places = [(bar + 0.5) * width for bar in range(len(share))]
    axes.bar(places, share.tolist(), width=0.9 * width, color="0.6", log=True)
    lowest = 10 ** math.floor(math.log10(share[share > 0].min() / 2))  # below each of the bars
    axes.set(xlabel=found.claim, ylabel="share of all", ylim=(lowest, 1))
    axes.yaxis.set_minor_formatter(NullFormatter())
