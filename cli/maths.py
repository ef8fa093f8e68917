r"""LaTeX formulas as Unicode for the terminal: the subset that docstrings use.

Fractions, cases and limits are stacked; scripts are Unicode where it has the characters, else
written `_c` and `^γ`. An unknown command is shown as its name.

    >>> print(display(r"w = \frac{\sum_i x_i^2}{n + 1} \ge \tfrac12"))
        ∑ᵢ xᵢ²
    w = ────── ≥ ½
        n + 1
"""

import re
from collections.abc import Sequence

from .boxes import Box, Item, beside, in_row, text_box
from .latex import KNOWN, TOKEN, read

_INDENT = 4  # of a broken formula's further lines


def inline(latex: str) -> str:
    r"""A formula on one line.

    >>> inline(r"\frac{a+b}{2}\,e^{-\lambda_j}, \hat y \in [0, 1]")
    '(a + b)/2 e^(−λⱼ), ŷ ∈ [0, 1]'
    """
    items = [item for item in read(latex, stacked=False) if item.kind != "row"]
    return in_row(items).lines[0].strip()


def display(latex: str, width: int = 80) -> str:
    """A formula on several lines, broken where it is wider than `width`."""
    parts = _split(read(latex, stacked=True))
    rows: list[Box] = []
    for part in parts:
        box = in_row(part)
        if box.width > width:
            rows += _broken(part, width)
        elif rows and rows[-1].width + 6 + box.width <= width:
            rows[-1] = beside([rows[-1], text_box(" " * 6), box])
        else:
            rows.append(box)
    blocks = ["\n".join(line.rstrip() for line in row.lines) for row in rows]
    tall = any(row.tall for row in rows)
    return ("\n\n" if tall else "\n").join(blocks)


def unknown_commands(latex: str) -> set[str]:
    """The commands in it that have no rendering."""
    commands = {token for token in TOKEN.findall(latex) if re.match(r"\\[A-Za-z]", token)}
    return commands - KNOWN


def _split(items: Sequence[Item]) -> list[list[Item]]:
    """The formulas that wide spaces and line breaks part."""
    parts: list[list[Item]] = [[]]
    for item in items:
        if item.kind in ("quad", "row"):
            parts.append([])
        elif item.kind != "cell":
            parts[-1].append(item)
    return [part for part in parts if any(item.kind not in ("space", "thin") for item in part)]


def _broken(items: Sequence[Item], width: int) -> list[Box]:
    """A row that is too wide, broken before relations and signs outside brackets."""
    pieces: list[list[Item]] = [[]]
    depth = 0
    for item in items:
        depth += {"open": 1, "close": -1}.get(item.kind, 0)
        if item.kind in ("rel", "bin") and depth <= 0:
            pieces.append([])
        pieces[-1].append(item)
    lines: list[list[Item]] = [[]]
    for piece in pieces:
        room = width - (_INDENT if len(lines) > 1 else 0)
        if lines[-1] and in_row([*lines[-1], *piece]).width > room:
            lines.append([])
        lines[-1] += piece
    rows = [in_row(line) for line in lines]
    return [rows[0], *(beside([text_box(" " * _INDENT), row]) for row in rows[1:])]
