"""How much each parameter of a search mattered, as a picture."""

from collections.abc import Mapping

from matplotlib.figure import Figure

_MOST = 20  # parameters shown


def draw_importance(importance: Mapping[str, float], title: str = "") -> Figure:
    """A bar for each parameter, the most important on top.

    Args:
        importance: each parameter's share; they add up to 1.
        title: what was searched.
    """
    shown = sorted(importance.items(), key=lambda item: item[1])[-_MOST:]
    figure = Figure(figsize=(7, 1.2 + 0.35 * len(shown)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([name for name, _ in shown], [share for _, share in shown], color="#3b6ea5")
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set_xlim(0, 1.1 * max((share for _, share in shown), default=1.0))
    axes.set_xlabel("importance (shares of 1)")
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
