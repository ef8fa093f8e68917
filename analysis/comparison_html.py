"""A comparison as one HTML file that needs nothing else: tables, and figures that follow them."""

from collections.abc import Sequence
from html import escape
from itertools import chain

from .compare import Comparison, Group
from .comparison_plots import curve_of, draw_curves, draw_intervals
from .comparison_text import cells, columns, decimals, left_out, method
from .html_page import items, page, paragraphs, row, svg, table
from .sweep_plots import draw_heatmap, draw_parallel

_WIDTH = 5.0  # inches of a figure: its letters can then be read on a phone too
_HINT = (
    '<p class="how" hidden>Tap a title to sort by it, a row to see its group alone in the '
    "figures, and again to see all.</p>"
)


def as_html(comparison: Comparison, command: str) -> str:
    """The whole page.

    Args:
        comparison: what it tells.
        command: how to make it again.
    """
    parts = [
        paragraphs(_summary(comparison)),
        _groups(comparison),
        _HINT,
        paragraphs(method(comparison), "how"),
        items("What to know", comparison.notes),
        items("Left out", left_out(comparison, most=1000)),
        *_figures(comparison),
        _runs(comparison),
        f"<p><small>made by <code>{escape(command)}</code></small></p>",
    ]
    return page(f"{comparison.metric} · {comparison.title}", parts)


def _summary(comparison: Comparison) -> list[str]:
    """What a reader wants to know first."""
    runs = sum(len(group.values) for group in comparison.groups)
    text = f"{runs} runs in {len(comparison.groups)} groups"
    if comparison.keys:
        text += f" by {', '.join(comparison.keys)}"
    best = [group.name for group in comparison.groups if group.best]
    return [text + (f"; best: {'; '.join(best)}." if best else ".")]


def _groups(comparison: Comparison) -> str:
    digits = decimals(comparison)
    factors = comparison.factors or ["group"]
    titles = [*factors, *columns(comparison)]
    numbers = range(len(factors), len(titles) - 1)  # the last column is words
    rows = []
    for index, group in enumerate(comparison.groups):
        marks = f' data-group="{index}"' + (' class="best"' if group.best else "")
        labels = group.labels or (group.name,)
        rows.append(row([*labels, *cells(comparison, group, digits)], numbers, marks))
    return table(titles, rows, numbers)


def _figures(comparison: Comparison) -> list[str]:
    if not any(group.values for group in comparison.groups):
        return []
    parts = ["<h2>Intervals</h2>", svg(draw_intervals(comparison, _WIDTH), "intervals")]
    parts.append(paragraphs(["diamond: mean; line: 95 % interval; dots: the runs"], "how"))
    more = {
        f"Learning curves, {curve_of(comparison.metric)}": ("curves", draw_curves),
        "What varies, and what the runs came to": ("parallel", draw_parallel),
        "Where it is good": ("heatmap", draw_heatmap),
    }
    for title, (name, draw) in more.items():
        figure = draw(comparison, _WIDTH)
        if figure is not None:
            parts += [f"<h2>{escape(title)}</h2>", svg(figure, name)]
    return parts


def _runs(comparison: Comparison) -> str:
    numbers = range(1, 3)
    rows = chain.from_iterable(_runs_of(group, numbers) for group in comparison.groups)
    inside = table(["group", "seed", comparison.metric, "run"], list(rows), numbers)
    return f"<details><summary>Every run</summary>\n{inside}\n</details>"


def _runs_of(group: Group, numbers: range) -> Sequence[str]:
    return [
        row([group.name, str(run.config.get("seed", "")), f"{value:.6g}", run.name], numbers)
        for run, value in zip(group.runs, group.values, strict=True)
    ]
