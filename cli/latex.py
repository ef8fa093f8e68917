"""Reads the LaTeX of a formula into boxes, for `cli/maths.py`."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from rich.cells import cell_len

from .boxes import (
    Box,
    Item,
    Kind,
    beside,
    fenced,
    grid,
    in_row,
    split_cells,
    split_rows,
    stacked,
    text_box,
)
from .symbols import (
    ACCENTS,
    BIG,
    BINARY,
    FUNCTIONS,
    IGNORED,
    LETTERS,
    RELATIONS,
    SPACES,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYMBOLS,
    VULGAR,
)

TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
_LONGEST_SCRIPT = 5  # longer ones are hard to read in Unicode's small letters
_SMALL = "".join([*SUBSCRIPTS.values(), *SUPERSCRIPTS.values()])


def read(latex: str, *, stacked: bool) -> list[Item]:
    """The items of a formula; `stacked` sets fractions, cases and limits on several lines."""
    return _Parser(latex, stacked=stacked).items()


class _Parser:
    """Reads LaTeX once from left to right; every command that takes arguments is a method."""

    def __init__(self, latex: str, *, stacked: bool) -> None:
        self.tokens: list[str] = TOKEN.findall(latex)
        self.position = 0
        self.stacked = stacked

    def _peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self.position += 1
        return token

    def _skip_space(self) -> None:
        while self._peek().isspace():
            self.position += 1

    def items(self, *stops: str) -> list[Item]:
        """What stands before one of the stops, which is read too, or before the end."""
        found: list[Item] = []
        while self._peek():
            if self._peek() in stops:
                self._next()
                break
            item = self._item(found)
            if item is not None:
                found.append(item)
        return found

    def _item(self, before: Sequence[Item]) -> Item | None:
        token = self._next()
        if token.isspace() or token in SPACES:
            space: Kind | Literal[""] = SPACES.get(token, "space")
            return Item(text_box(""), space) if space else None
        if token in IGNORED:
            return None
        if token == "\\\\":
            return Item(text_box(""), "row")
        if token == "&":
            return Item(text_box(""), "cell")
        base = self._atom(token, before)
        if base.kind == "ratio" and before and _last(before).kind == "op":
            base = Item(text_box(f"({base.box.lines[0]})"), "group")  # the log of it all
        return self._with_scripts(base, big=token in BIG)

    def _atom(self, token: str, before: Sequence[Item]) -> Item:
        if token == "{":
            inner = self.items("}")
            if len(inner) == 1:
                return inner[0]
            return Item(in_row(inner), loose=bool(inner) and inner[-1].loose)
        if token in _COMMANDS:
            return _COMMANDS[token](self)
        if token in BIG:
            return Item(text_box(BIG[token]), "op", loose=not BIG[token].isalpha())
        if token in FUNCTIONS:
            return Item(text_box(FUNCTIONS[token]), "op")
        if token in RELATIONS:
            return Item(text_box(RELATIONS[token]), "rel")
        if token in BINARY:
            kind: Kind = "slash" if token == "/" else "bin" if _ends(before) else "sign"
            return Item(text_box(BINARY[token]), kind)
        text = SYMBOLS.get(token, token.lstrip("\\"))
        if text in ("|", "‖"):
            return Item(
                text_box(text), "close" if _ends(before) and _opened(before, text) else "open"
            )
        if text in "([⟨⌊⌈":
            return Item(text_box(text), "open")
        if text in ")]⟩⌋⌉":
            return Item(text_box(text), "close")
        if text in ",;":
            return Item(text_box(text), "punct")
        if text == "!":
            return Item(text_box(text), "close")
        if text.isdigit():
            while re.fullmatch(r"[\d.]", self._peek()):
                text += self._next()
        return Item(text_box(text))

    def _with_scripts(self, base: Item, *, big: bool) -> Item:
        sub = sup = ""
        while True:
            start = self.position
            self._skip_space()
            mark = self._peek()
            if mark == "_":
                self._next()
                sub = self._script()
            elif mark == "^":
                self._next()
                sup += self._script()
            elif mark == "'":
                self._next()
                sup += "′"
            else:
                self.position = start
                break
        if not sub and not sup:
            return base
        if big and self.stacked and sub and not _small(sub, SUBSCRIPTS) and len(sub) > 1:
            limits = [text_box(sup), base.box, text_box(sub)] if sup else [base.box, text_box(sub)]
            return Item(stacked(limits, len(limits) - 2), base.kind, loose=True)
        if base.box.tall:
            return Item(_tall_scripts(base.box, sub, sup), base.kind, loose=True)
        small = _small(sub, SUBSCRIPTS) + _small(sup, SUPERSCRIPTS)
        written = ("" if _small(sub, SUBSCRIPTS) else _written("_", sub)) + (
            "" if _small(sup, SUPERSCRIPTS) else _written("^", sup)
        )
        kind: Kind = base.kind if base.kind in ("op", "close", "group") else "ord"
        loose = big or bool(written)
        return Item(beside([base.box, text_box(small + written)]), kind, loose=loose)

    def _script(self) -> str:
        """The next argument on one line, without the spaces around its signs."""
        return re.sub(r"\s*([=≠<>≤≥∈∉+−·→,/|∼])\s*", r"\1", self._flat())

    def _flat(self) -> str:
        """The next argument on one line."""
        stacked, self.stacked = self.stacked, False
        box = in_row(self._argument())
        self.stacked = stacked
        return box.lines[box.base].strip()

    def _argument(self) -> list[Item]:
        self._skip_space()
        token = self._next()
        if token == "{":
            return self.items("}")
        if token.isdigit():
            return [Item(text_box(token))]
        return [self._atom(token, [])] if token else []

    def _raw(self) -> str:
        """The next argument as it is written."""
        self._skip_space()
        if self._peek() != "{":
            return self._next()
        self._next()
        depth, text = 1, ""
        while self._peek():
            token = self._next()
            depth += {"{": 1, "}": -1}.get(token, 0)
            if depth == 0:
                break
            text += token
        return text

    def _fraction(self, *, small: bool = False) -> Item:
        if small or not self.stacked:
            top, bottom = self._flat(), self._flat()
            if f"{top}/{bottom}" in VULGAR:
                return Item(text_box(VULGAR[f"{top}/{bottom}"]))
            written = f"{_grouped(top)}/{_grouped(bottom, below=True)}"
            return Item(text_box(written), "ratio", loose=True)
        top_box, bottom_box = in_row(self._argument()), in_row(self._argument())
        written = f"{top_box.lines[0]}/{bottom_box.lines[0]}"
        if written in VULGAR:
            return Item(text_box(VULGAR[written]))
        bar = text_box("─" * max(top_box.width, bottom_box.width))
        return Item(stacked([top_box, bar, bottom_box], 1), loose=True)

    def _small_fraction(self) -> Item:
        return self._fraction(small=True)

    def _root(self) -> Item:
        content = in_row(self._argument())
        if content.tall:
            return Item(beside([text_box("√"), fenced("(", content, ")")]))
        text = content.lines[0]
        return Item(text_box(f"√{text if len(text) == 1 else f'({text})'}"))

    def _word(self) -> Item:
        r"""`\operatorname` and the like: a name in upright letters, followed like a function."""
        return Item(text_box(self._raw().replace("\\,", " ").replace("\\", "")), "op")

    def _upright(self) -> Item:
        return Item(in_row(self._argument()))

    def _prose(self) -> Item:
        text = re.sub(r"\$([^$]*)\$", lambda m: _flat(m.group(1)), self._raw())
        words = text.strip().replace("``", "“").replace("''", "”")
        return Item(text_box(words), "rel" if words != text else "ord", loose=True)

    def _letter(self, name: str) -> Item:
        letters = self._flat()
        return Item(text_box("".join(LETTERS[name].get(letter, letter) for letter in letters)))

    def _accent(self, mark: str) -> Item:
        letters = self._flat()
        marked = "".join(letter + mark for letter in letters)
        return Item(text_box(unicodedata.normalize("NFC", marked)))

    def _fence(self) -> Item:
        opening = self._delimiter()
        inner = self.items("\\right")
        return Item(fenced(opening, in_row(inner), self._delimiter()), "group")

    def _delimiter(self) -> str:
        self._skip_space()
        token = self._next()
        return "" if token == "." else SYMBOLS.get(token, token.lstrip("\\"))

    def _environment(self) -> Item:
        name = self._raw().rstrip("*")
        items = self.items("\\end")
        self._raw()
        if name in ("cases", "dcases"):
            return self._cases(items)
        if not self.stacked:
            return Item(text_box("; ".join(in_row(row).lines[0] for row in split_rows(items))))
        return Item(grid(items, "><", 0))  # aligned

    def _cases(self, items: Sequence[Item]) -> Item:
        if not self.stacked:
            rows = [
                ", ".join(in_row(cell).lines[0] for cell in split_cells(row))
                for row in split_rows(items)
            ]
            return Item(text_box("{" + "; ".join(rows) + "}"))
        body = grid(items, "<", 3)
        if len(body.lines) == 2:  # a brace has three lines
            body = Box((body.lines[0], " " * body.width, body.lines[1]), 1)
        return Item(fenced("{", beside([text_box(" "), body]), ""))

    def _underbrace(self) -> Item:
        r"""`\underbrace{a}_{b}`: on one line the note stands behind it."""
        content = in_row(self._argument())
        self._skip_space()
        if self._peek() != "_":
            return Item(content)
        self._next()
        note = self._flat()
        if not self.stacked:
            return Item(text_box(f"({content.lines[0]}) [{note}]"))
        half = (content.width - 3) // 2
        brace = text_box(f"╰{'─' * half}┬{'─' * (content.width - 3 - half)}╯")
        return Item(stacked([content, brace, text_box(note)], 0), loose=True)


def _flat(latex: str) -> str:
    return in_row(read(latex, stacked=False)).lines[0]


def _ends(before: Sequence[Item]) -> bool:
    """Whether a sign after these stands between two things, and is not of one."""
    return bool(before) and _last(before).kind in ("ord", "close", "group", "ratio")


def _last(before: Sequence[Item]) -> Item:
    return next((i for i in reversed(before) if i.kind not in ("space", "thin")), before[-1])


def _opened(before: Sequence[Item], bar: str) -> bool:
    return sum(item.box.lines[0].startswith(bar) for item in before) % 2 == 1


def _small(text: str, letters: dict[str, str]) -> str:
    """`text` in small letters, or nothing where Unicode lacks one."""
    text = text.replace(" ", "")
    if len(text) > _LONGEST_SCRIPT or any(letter not in letters for letter in text):
        return ""
    return "".join(letters[letter] for letter in text)


def _tall_scripts(box: Box, sub: str, sup: str) -> Box:
    """A tall box with scripts at its corners."""
    sub, sup = _small(sub, SUBSCRIPTS) or sub, _small(sup, SUPERSCRIPTS) or sup
    width = max(cell_len(sub), cell_len(sup))
    corners = [sup, *[""] * (len(box.lines) - 2), sub]
    return beside([box, Box(tuple(f"{corner:<{width}}" for corner in corners), box.base)])


def _written(mark: str, script: str) -> str:
    if not script:
        return ""
    single = re.fullmatch(rf"[^\W_]+|[^\W_][{_SMALL}]*|[*⊤†]", script)
    return f"{mark}{script}" if single else f"{mark}({script})"


def _grouped(text: str, *, below: bool = False) -> str:
    """In brackets, where it is a sum; below the line also where it is a product."""
    if below:
        whole = re.fullmatch(
            rf"[\d.]+|[^\W\d]\W?[{_SMALL}]*(_\w+)?|\w\w+\([^()]*\)|[|‖][^|‖]*[|‖]", text
        )
    else:
        whole = re.fullmatch(r"[^\s()+−·/]+|\w*\([^()]*\)|[|‖][^|‖]*[|‖]", text)
    return text if whole else f"({text})"


_COMMANDS: dict[str, Callable[[_Parser], Item]] = {
    "\\frac": _Parser._fraction,
    "\\dfrac": _Parser._fraction,
    "\\tfrac": _Parser._small_fraction,
    "\\sqrt": _Parser._root,
    "\\operatorname": _Parser._word,
    "\\operatorname*": _Parser._word,
    "\\mathrm": _Parser._upright,
    "\\mathbf": _Parser._upright,
    "\\mathit": _Parser._upright,
    "\\mathsf": _Parser._upright,
    "\\boldsymbol": _Parser._upright,
    "\\text": _Parser._prose,
    "\\textrm": _Parser._prose,
    "\\left": _Parser._fence,
    "\\begin": _Parser._environment,
    "\\underbrace": _Parser._underbrace,
    **{f"\\{name}": partial(_Parser._letter, name=name) for name in LETTERS},
    **{f"\\{name}": partial(_Parser._accent, mark=mark) for name, mark in ACCENTS.items()},
    "\\end": lambda p: Item(text_box(p._raw()[:0])),  # without its \begin
    "\\right": lambda p: Item(text_box(p._delimiter()), "close"),  # without its \left
}

KNOWN = {*SYMBOLS, *RELATIONS, *BINARY, *BIG, *FUNCTIONS, *SPACES, *IGNORED, *_COMMANDS}
