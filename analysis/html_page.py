"""An HTML page that needs nothing else: its style and script within, its figures as inline SVG."""

import io
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
  max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.45rem; line-height: 1.25; margin: .5rem 0; overflow-wrap: anywhere; }
h2, summary { font-size: 1.1rem; font-weight: 700; margin: 2rem 0 .5rem; }
summary { cursor: pointer; }
p, li { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #e2e5e9;
  white-space: nowrap; vertical-align: top; background: #fff; }
th:first-child, td:first-child { position: sticky; left: 0; }
th, th button { font: inherit; font-weight: 600; color: #57606a; }
th button { border: 0; padding: 0; background: none; cursor: pointer; }
[aria-sort=ascending] button::after { content: " ▲"; }
[aria-sort=descending] button::after { content: " ▼"; }
[data-group] { cursor: pointer; }
[aria-selected=true] td:first-child { text-decoration: underline; }
.n { text-align: right; }
.best td { background: #e9f7f1; font-weight: 600; }
svg { width: 100%; max-width: 38rem; height: auto; display: block; }
svg .faint { opacity: .1; }
small, .how { color: #57606a; font-size: .875rem; }
code { background: #f3f4f6; padding: .1rem .3rem; border-radius: .25rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  th:first-child, td:first-child { max-width: 40vw; white-space: normal;
    overflow-wrap: break-word; }
}
"""
# A column's title sorts by it; a group's row shows that group alone in the figures.
_SCRIPT = """
const order = new Intl.Collator("en", { numeric: true });
const number = text => parseFloat(text.replace("<", ""));
function sort(table, head) {
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const text = row => row.cells[head.cellIndex].textContent;
  const missing = row => ["", "–", "no test"].includes(text(row));
  const rows = [...table.tBodies[0].rows].sort((a, b) =>
    missing(a) - missing(b) || (up ? 1 : -1) *
    ((number(text(a)) - number(text(b))) || order.compare(text(a), text(b))));
  table.tBodies[0].append(...rows);
}
function select(row) {
  const alone = row.getAttribute("aria-selected") !== "true";
  for (const other of document.querySelectorAll("[data-group]"))
    other.setAttribute("aria-selected", alone && other === row);
  for (const part of document.querySelectorAll('svg [id*="-group-"]'))
    part.classList.toggle("faint", alone && !part.id.includes(`-group-${row.dataset.group}-`));
}
for (const head of document.querySelectorAll("th button"))
  head.onclick = () => sort(head.closest("table"), head.closest("th"));
for (const row of document.querySelectorAll("[data-group]")) {
  row.tabIndex = 0;
  row.onclick = () => select(row);
  row.onkeydown = event => event.key === "Enter" && select(row);
}
for (const hint of document.querySelectorAll("[hidden]")) hint.hidden = false;
"""


def page(title: str, parts: Sequence[str]) -> str:
    """The whole page.

    Args:
        title: of the page, as text.
        parts: its elements, as HTML; those that are `hidden` show if scripts may run.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n"
        + "\n".join(filter(None, parts))
        + f"\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def paragraphs(lines: Sequence[str], kind: str = "") -> str:
    """Each line a paragraph of that class."""
    mark = f' class="{kind}"' if kind else ""
    return "\n".join(f"<p{mark}>{escape(line)}</p>" for line in lines)


def items(title: str, lines: Sequence[str]) -> str:
    """A list under its title; nothing where there is nothing to list."""
    if not lines:
        return ""
    listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{escape(title)}</h2>\n<ul>{listed}</ul>"


def table(titles: Sequence[str], rows: Sequence[str], numbers: range) -> str:
    """A table that can be sorted, in a box of its own to be moved sideways.

    Args:
        titles: of the columns.
        rows: see `row`.
        numbers: the columns that are numbers, and stand to the right.
    """
    head = "".join(
        f"<th{_align(index, numbers)}><button>{escape(title)}</button></th>"
        if title
        else "<th></th>"
        for index, title in enumerate(titles)
    )
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody>\n</table></div>"
    )


def row(cells: Sequence[str], numbers: range, marks: str = "") -> str:
    """A row of a table, with attributes of its own."""
    inside = "".join(
        f"<td{_align(index, numbers)}>{escape(cell)}</td>" for index, cell in enumerate(cells)
    )
    return f"<tr{marks}>{inside}</tr>"


def _align(index: int, numbers: range) -> str:
    return ' class="n"' if index in numbers else ""


def svg(figure: "Figure", name: str) -> str:
    """The figure as an SVG element; its ids begin with `name`, so that two don't clash.

    A figure much wider than a phone keeps a width at which it can be read, in a box of its own.
    """
    import matplotlib as mpl

    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'\bid="', f'id="{name}-', drawn)
    drawn = re.sub(r'href="#', f'href="#{name}-', drawn)
    drawn = drawn.replace("url(#", f"url(#{name}-")
    width = f"min-width: {3.6 * float(figure.get_figwidth()):.1f}rem"
    marks = f'role="img" aria-label="{name}" style="{width}"'
    return f'<div class="wide">{drawn.replace("<svg ", f"<svg {marks} ", 1)}</div>'
