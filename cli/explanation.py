"""An explanation of a loss on the terminal, or as data."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..errors import UserError
from .loss_request import Loss, Request, load
from .maths import display, inline
from .number_rows import numbers
from .trimmed import trimmed

if TYPE_CHECKING:
    from ..analysis.profile import Profile

_HEADING = 11  # columns of the headings on the left
_MARKED = re.compile(r"``?([^`]+)``?|:math:`([^`]+)`|\$([^$]+)\$")
_NARROWEST = 70  # columns; formulas would be cut in fewer
_WIDEST = 100


@dataclass(frozen=True)
class Explanation:
    """A loss, and its numbers.

    Args:
        loss: the loss.
        tables: its values and gradients, for each set of options asked for.
        no_table: why there is none.
    """

    loss: Loss
    tables: "Sequence[Profile]"
    no_table: str = ""


def show(explanations: Sequence[Explanation]) -> None:
    """Print explanations, one below the other."""
    console = Console(highlight=False)
    console.width = min(max(console.width, _NARROWEST), _WIDEST)
    with trimmed(console):
        _print(console, explanations)


def _print(console: Console, explanations: Sequence[Explanation]) -> None:
    for index, explanation in enumerate(explanations):
        if index:
            console.rule(style="dim")
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=_HEADING - 1, style="bold cyan", no_wrap=True)
        grid.add_column(ratio=1)
        for heading, content in _sections(explanation, console.width - _HEADING - 1):
            grid.add_row(heading, content)
            grid.add_row("", "")
        console.print(_title(explanation.loss))
        console.print()
        console.print(grid)
        for heading, command in zip(["try", *[""] * 9], _commands(explanation), strict=False):
            line = Text(f"{heading:<{_HEADING}}", style="bold cyan")
            line.append(command, style="not bold default")
            console.print(line, soft_wrap=True)


def _title(loss: Loss) -> Text:
    return Text.assemble((loss.name, "bold"), "  ", prose(loss.doc.summary))


def _sections(explanation: Explanation, width: int) -> Iterator[tuple[str, RenderableType]]:
    """What there is to say, heading by heading."""
    loss, doc = explanation.loss, explanation.loss.doc
    for formula in doc.formulas:
        yield "", Text(display(formula, width), no_wrap=True, overflow="ignore")
    for paragraph in (*doc.text, *loss.comments):
        yield "", prose(paragraph)
    takes, options = _takes(loss), _options(loss)
    if takes.row_count:
        yield "takes", takes
    if options.row_count:
        yield "options", options
    if doc.paragraphs("Returns"):
        yield "returns", _prose_of(doc.paragraphs("Returns"))
    if doc.paragraphs("Estimates"):
        yield "estimates", _prose_of(doc.paragraphs("Estimates"))
    gradient = [_prose_of(doc.paragraphs("Gradient"))] if doc.paragraphs("Gradient") else []
    if explanation.tables:
        yield (
            "gradient",
            Group(*gradient, *([""] if gradient else []), *numbers(explanation.tables)),
        )
    elif loss.function is not None:
        why = Text(explanation.no_table, style="dim")
        yield "gradient", Group(*gradient, *([""] if gradient else []), why)
    for heading, section in (("use it", "Use"), ("avoid it", "Avoid")):
        if doc.paragraphs(section):
            yield heading, _prose_of(doc.paragraphs(section))
    if doc.entries("Relatives"):
        yield "relatives", _named(doc.entries("Relatives"))
    if doc.paragraphs("References"):
        yield "references", _prose_of(doc.paragraphs("References"))


def prose(text: str) -> Text:
    """A sentence of a docstring, with its formulas and names set."""
    found = Text()
    position = 0
    for match in _MARKED.finditer(text):
        found.append(text[position : match.start()])
        name, *maths = match.groups()
        if name is not None:
            found.append(name, style="cyan")
        else:
            found.append(inline(next(filter(None, maths))), style="italic")
        position = match.end()
    return found.append(text[position:])


def _prose_of(paragraphs: Sequence[str]) -> RenderableType:
    return Text("\n\n").join(prose(paragraph) for paragraph in paragraphs)


def _rows() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(ratio=1)
    return table


def _named(entries: Mapping[str, str]) -> Table:
    table = _rows()
    for name, text in entries.items():
        table.add_row(name, prose(text))
    return table


def _takes(loss: Loss) -> Table:
    """The tensors that it asks for."""
    table = _rows()
    for name, argument in _arguments(loss).items():
        text = prose(argument["description"])
        said = text.plain.rstrip()
        domain = _unsaid(argument["domain"] or "", said)
        if domain:
            gap = "" if not said else " " if said.endswith((".", ";")) else "; "
            text.append(f"{gap}{_capital(domain, said)}.", style="green")
        if argument["optional"]:
            text.append(" May be absent.", style="dim")
        if argument["source"]:
            text.append(f" Here: {argument['source']}.", style="dim")
        table.add_row(name, text)
    return table


def _unsaid(domain: str, said: str) -> str:
    """What a domain adds to an argument's description.

    >>> _unsaid("non-negative finite numbers", "y, of the same shape.")
    'non-negative'
    """
    domain = domain.replace(" finite numbers", "").removesuffix(" numbers")
    if "indices" in said and domain.startswith("class indices "):
        domain = domain.removeprefix("class indices ").partition(" (")[0]
    return "" if domain.lower() in said.lower() else domain


def _capital(text: str, before: str) -> str:
    return text[:1].upper() + text[1:] if not before or before.endswith(".") else text


def _arguments(loss: Loss) -> dict[str, dict[str, Any]]:
    if loss.signature is None:
        return {}
    described = loss.doc.entries("Args")
    return {
        name: {
            "description": described.get(name, ""),
            "domain": loss.signature.domains[name].description
            if name in loss.signature.domains
            else None,
            "optional": name in loss.signature.optional,
            "source": loss.names.get(name),
        }
        for name in (*loss.signature.tensors, *loss.signature.optional)
        if name not in loss.options
    }


def _options(loss: Loss) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(style="magenta", max_width=14)
    table.add_column(ratio=1)
    described = loss.doc.entries("Args")
    for name, value in loss.shown.items():
        text = prose(described.get(name, ""))
        if name in loss.stand_ins:
            text.append(f" Below: {_plain(loss.stand_ins[name])}.", style="dim")
        table.add_row(name, _plain(value), text)
    return table


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_plain(v) for v in value)}]"
    if isinstance(value, float):
        return f"{value:g}"
    return "null" if value is None else str(value).lower() if value in (True, False) else str(value)


def _commands(explanation: Explanation) -> list[str]:
    loss = explanation.loss
    lines = [line for line in loss.commands if line != f"losslab explain {loss.name}"]
    if explanation.tables:
        known = [name for name in loss.doc.entries("Relatives") if re.fullmatch(r"\w+", name)]
        other = f" {known[0]}" if known and _comparable(explanation, known[0]) else ""
        lines.append(f"losslab explain {loss.name}{other} --plot")
    return list(dict.fromkeys(lines))


def _comparable(explanation: Explanation, other: str) -> bool:
    """Whether the relative can stand in the same plot."""
    try:
        return not explanation.loss.views.keys().isdisjoint(load(Request(other)).views)
    except UserError:
        return False


def as_data(explanation: Explanation) -> dict[str, Any]:
    """The same as data, for JSON; formulas as LaTeX and as text."""
    loss, doc = explanation.loss, explanation.loss.doc
    described = doc.entries("Args")
    return {
        "name": loss.name,
        "target": loss.target,
        "summary": prose(doc.summary).plain,
        "formulas": [{"latex": f, "text": display(f, _WIDEST)} for f in doc.formulas],
        "text": [prose(paragraph).plain for paragraph in (*doc.text, *loss.comments)],
        "arguments": {
            name: {**argument, "description": prose(argument["description"]).plain}
            for name, argument in _arguments(loss).items()
        },
        "options": {
            name: {"value": value, "description": prose(described.get(name, "")).plain}
            for name, value in loss.shown.items()
        },
        **{
            section.lower(): "\n\n".join(prose(p).plain for p in doc.paragraphs(section))
            for section in ("Returns", "Raises", "Estimates", "Gradient", "Use", "Avoid")
        },
        "relatives": {n: prose(text).plain for n, text in doc.entries("Relatives").items()},
        "references": "\n\n".join(prose(p).plain for p in doc.paragraphs("References")),
        "tables": [_table_data(profile) for profile in explanation.tables],
        "no_table": explanation.no_table or None,
        "commands": list(loss.commands),
    }


def _table_data(profile: "Profile") -> dict[str, Any]:
    def finite(values: Sequence[float]) -> list[float | None]:
        return [value if math.isfinite(value) else None for value in values]

    return {
        "name": profile.name,
        "axis": profile.view.axis,
        "label": profile.view.label,
        "x": list(profile.x),
        "value": finite(profile.value),
        "gradient": finite(profile.gradient),
    }
