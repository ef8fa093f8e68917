"""A comparison as one HTML file that needs nothing else: tables, and figures as inline SVG."""

import io
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from .compare import Comparison, Group
from .comparison_plots import curve_of, draw_curves, draw_intervals
from .comparison_text import cells, columns, decimals, left_out, method

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 5.0  # inches of a figure: its letters can then be read on a phone too
_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
  max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.45rem; line-height: 1.25; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, li { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #e2e5e9;
  white-space: nowrap; vertical-align: top; }
th { font-weight: 600; color: #57606a; }
.n { text-align: right; }
.best td { background: #e9f7f1; font-weight: 600; }
svg { width: 100%; max-width: 38rem; height: auto; display: block; }
small, .how { color: #57606a; font-size: .875rem; }
code { background: #f3f4f6; padding: .1rem .3rem; border-radius: .25rem; overflow-wrap: anywhere; }
"""


def as_html(comparison: Comparison, command: str) -> str:
    """The whole page.

    Args:
        comparison: what it tells.
        command: how to make it again.
    """
    parts = [
        f"<h1>{escape(comparison.metric)} · {escape(comparison.title)}</h1>",
        _paragraphs(_summary(comparison)),
        _table(comparison),
        _paragraphs(method(comparison), "how"),
        _list("What to know", comparison.notes),
        _list("Left out", left_out(comparison, most=1000)),
    ]
    if any(group.values for group in comparison.groups):
        parts += ["<h2>Intervals</h2>", _svg(draw_intervals(comparison, _WIDTH), "intervals")]
        parts.append(_paragraphs(["diamond: mean; line: 95 % interval; dots: the runs"], "how"))
    curves = draw_curves(comparison, _WIDTH)
    if curves is not None:
        parts.append(f"<h2>Learning curves, {escape(curve_of(comparison.metric))}</h2>")
        parts.append(_svg(curves, "curves"))
    parts += [_runs(comparison), f"<p><small>made by <code>{escape(command)}</code></small></p>"]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(comparison.metric)} · {escape(comparison.title)}</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body>\n</html>\n"
    )


def _summary(comparison: Comparison) -> list[str]:
    """What a reader wants to know first."""
    runs = sum(len(group.values) for group in comparison.groups)
    text = f"{runs} runs in {len(comparison.groups)} groups"
    if comparison.keys:
        text += f" by {', '.join(comparison.keys)}"
    best = [group.name for group in comparison.groups if group.best]
    return [text + (f"; best: {'; '.join(best)}." if best else ".")]


def _paragraphs(lines: Sequence[str], kind: str = "") -> str:
    mark = f' class="{kind}"' if kind else ""
    return "\n".join(f"<p{mark}>{escape(line)}</p>" for line in lines)


def _list(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{title}</h2>\n<ul>{items}</ul>"


def _table(comparison: Comparison) -> str:
    digits = decimals(comparison)
    factors = comparison.factors or ["group"]
    head = "".join(f"<th>{escape(name)}</th>" for name in factors)
    titles = columns(comparison)
    head += "".join(
        f"<th{_align(index, len(titles))}>{escape(t)}</th>" for index, t in enumerate(titles)
    )
    return _in_table(head, [_row(comparison, group, digits) for group in comparison.groups])


def _row(comparison: Comparison, group: Group, digits: int) -> str:
    row = "".join(f"<td>{escape(label)}</td>" for label in group.labels or (group.name,))
    found = cells(comparison, group, digits)
    row += "".join(
        f"<td{_align(index, len(found))}>{escape(cell)}</td>" for index, cell in enumerate(found)
    )
    mark = ' class="best"' if group.best else ""
    return f"<tr{mark}>{row}</tr>"


def _align(index: int, count: int) -> str:
    """Numbers to the right; the last column is words."""
    return ' class="n"' if index < count - 1 else ""


def _in_table(head: str, rows: Sequence[str]) -> str:
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody>\n</table></div>"
    )


def _runs(comparison: Comparison) -> str:
    rows = [
        f"<tr><td>{escape(group.name)}</td><td>{escape(run.name)}</td>"
        f'<td class="n">{escape(str(run.config.get("seed", "")))}</td>'
        f'<td class="n">{value:.6g}</td></tr>'
        for group in comparison.groups
        for run, value in zip(group.runs, group.values, strict=True)
    ]
    head = '<th>group</th><th>run</th><th class="n">seed</th>'
    head += f'<th class="n">{escape(comparison.metric)}</th>'
    return "<h2>Every run</h2>\n" + _in_table(head, rows)


def _svg(figure: "Figure", name: str) -> str:
    """The figure as an SVG element; its ids begin with `name`, so that two don't clash."""
    import matplotlib as mpl

    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)
