"""Blocks of text that are laid beside and on top of each other, for `cli/maths.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len

Kind = Literal[
    "ord", "op", "rel", "bin", "sign", "slash", "open", "close", "group", "ratio", "punct",
    "space", "thin", "quad", "row", "cell",
]  # fmt: skip
_BRACKETS = {"(": "⎛⎜⎝", ")": "⎞⎟⎠", "[": "⎡⎢⎣", "]": "⎤⎥⎦", "{": "⎧⎨⎩", "}": "⎫⎬⎭"}


@dataclass(frozen=True)
class Box:
    """A block of text whose lines are equally wide; `base` is the line that others stand on."""

    lines: tuple[str, ...]
    base: int = 0

    @property
    def width(self) -> int:
        """Columns it takes."""
        return cell_len(self.lines[0])

    @property
    def tall(self) -> bool:
        """Whether it has more than one line."""
        return len(self.lines) > 1


@dataclass(frozen=True)
class Item:
    """A box and what it is in the formula, which decides the spaces around it."""

    box: Box
    kind: Kind = "ord"
    loose: bool = False  # ends in a script like _c, or is tall: keep the next letter off


def text_box(text: str) -> Box:
    """One line."""
    return Box((text,))


def _pad(line: str, width: int, align: str = "<") -> str:
    free = width - cell_len(line)
    left = {"<": 0, "^": free // 2, ">": free}[align]
    return " " * left + line + " " * (free - left)


def beside(boxes: Sequence[Box]) -> Box:
    """Boxes in a row, on one baseline."""
    above = max(box.base for box in boxes)
    below = max(len(box.lines) - box.base for box in boxes)
    lines = [""] * (above + below)
    for box in boxes:
        first = above - box.base
        for index in range(len(lines)):
            inside = 0 <= index - first < len(box.lines)
            lines[index] += box.lines[index - first] if inside else " " * box.width
    return Box(tuple(lines), above)


def stacked(boxes: Sequence[Box], base: int, align: str = "^") -> Box:
    """Boxes on top of each other; the baseline is that of the box number `base`."""
    width = max(box.width for box in boxes)
    lines = [_pad(line, width, align) for box in boxes for line in box.lines]
    return Box(tuple(lines), sum(len(box.lines) for box in boxes[:base]) + boxes[base].base)


def in_row(items: Sequence[Item]) -> Box:
    """Items in a row, with the spaces of mathematics between them."""
    boxes: list[Box] = []
    previous: Item | None = None
    pending = ""  # the space that the source has here
    for item in items:
        if item.kind in ("space", "thin"):
            pending = max(pending, item.kind)
            continue
        if item.kind == "quad":
            boxes.append(text_box("   "))
            previous, pending = None, ""
            continue
        if previous is not None and _spaced(previous, item, pending):
            boxes.append(text_box(" "))
        boxes.append(item.box)
        previous, pending = item, ""
    return beside(boxes) if boxes else text_box("")


def _spaced(left: Item, right: Item, pending: str) -> bool:
    kinds = {left.kind, right.kind}
    if right.kind in ("punct", "close") or left.kind in ("open", "sign") or "slash" in kinds:
        return False
    if "rel" in kinds or "bin" in kinds or left.kind == "punct":
        return True
    bracket = right.kind in ("open", "group")
    if left.kind == "op":
        return not bracket or left.loose
    if right.kind == "op" or pending == "thin":  # a bracket after \\, is a factor
        return True
    if bracket:
        return left.kind == "ratio"
    return bool(pending) or left.loose or right.box.tall


def fenced(opening: str, box: Box, closing: str) -> Box:
    """The box between brackets of its height; an empty one is left out."""
    return beside([part for part in (_bracket(opening, box), box, _bracket(closing, box)) if part])


def _bracket(mark: str, box: Box) -> Box | None:
    """A bracket as tall as the box."""
    if not mark:
        return None
    height = len(box.lines)
    if height == 1:
        return Box((mark,))
    top, middle, bottom = tuple(_BRACKETS.get(mark, mark * 3))
    if mark in "{}":
        line = "⎪"
        rows = [top, *[line] * (height - 2), bottom]
        rows[box.base if 0 < box.base < height - 1 else height // 2] = middle
    else:
        rows = [top, *[middle] * (height - 2), bottom]
    return Box(tuple(rows), box.base)


def split_rows(items: Sequence[Item]) -> list[list[Item]]:
    """The rows of a table, which a line break parts; empty ones are left out."""
    rows: list[list[Item]] = [[]]
    for item in items:
        if item.kind == "row":
            rows.append([])
        else:
            rows[-1].append(item)
    return [row for row in rows if any(item.kind not in ("space", "thin") for item in row)]


def split_cells(row: Sequence[Item]) -> list[list[Item]]:
    """The cells of a row, which `&` parts."""
    cells: list[list[Item]] = [[]]
    for item in row:
        if item.kind == "cell":
            cells.append([])
        else:
            cells[-1].append(item)
    return cells


def grid(items: Sequence[Item], aligns: str, gap: int) -> Box:
    """Rows and columns; `aligns` is repeated over the columns. The baseline is the middle."""
    rows = [[in_row(cell) for cell in split_cells(row)] for row in split_rows(items)]
    columns = max(map(len, rows), default=0)
    widths = [max((r[c].width for r in rows if c < len(r)), default=0) for c in range(columns)]
    boxes = []
    for row in rows:
        padded = []
        for column, box in enumerate(row):
            align = aligns[column % len(aligns)]
            lines = tuple(_pad(line, widths[column], align) for line in box.lines)
            padded += [Box(lines, box.base), text_box(" " * gap)]
        boxes.append(beside(padded[:-1]))
    whole = stacked(boxes, 0, "<") if boxes else text_box("")
    return Box(whole.lines, len(whole.lines) // 2)
