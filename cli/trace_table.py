"""What `losslab trace` prints: one row for each quantity, one column for each variant."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .console import number
from .trimmed import trimmed

if TYPE_CHECKING:
    from torch import Tensor

    from ..analysis.trace import Trace, Value

_MOST_ROWS, _MOST_COLUMNS = 8, 8
_WEIGHTS_IN_STEPS = 4
_ONE_LINE = 1000  # columns, where nobody looks
_SAME = "same"
_NONE = "–"

Rows = dict[tuple[str, str], str]
"""The cells of a variant by section and label."""


def show(traces: "Sequence[Trace]", labels: Sequence[str]) -> None:
    """Print forward pass, backward pass and update; with several steps, where each leads."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _ONE_LINE
    with trimmed(console):
        console.print(_title(traces), soft_wrap=True)
        console.print()
        console.print(_table([dict(_rows(trace)) for trace in traces], labels))
        if len(traces[0].points) > 2:
            console.print()
            console.print(_steps(traces, labels))


def _title(traces: "Sequence[Trace]") -> str:
    """What all the variants share."""
    shared = [
        f"lr {value}" if key == "lr" else value
        for key, value in traces[0].facts.items()
        if value and all(trace.facts[key] == value for trace in traces)
    ]
    return "[bold]" + " · ".join(shared) + "[/]"


def _table(columns: Sequence[Rows], labels: Sequence[str]) -> object:
    from rich.table import Table
    from rich.text import Text

    several = len(columns) > 1
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=several)
    table.add_column("")
    for label in labels:
        table.add_column(Text(label), no_wrap=True)
    section = ""
    for key in _union(columns):
        if key[0] != section:
            if section:
                table.add_row()
            section = key[0]
            table.add_row(Text(section, style="bold cyan"))
        cells = [column.get(key, _NONE) for column in columns]
        shown = [cells[0], *(_SAME if cell == cells[0] else cell for cell in cells[1:])]
        table.add_row(
            Text(f"  {key[1]}"),
            *(Text(cell, style="dim" if cell in (_SAME, _NONE) else "") for cell in shown),
        )
    return table


def _union(columns: Sequence[Rows]) -> list[tuple[str, str]]:
    """The keys of all columns; one that the first lacks stands behind the one before it."""
    keys = list(columns[0])
    for column in columns[1:]:
        place = 0
        for key in column:
            if key in keys:
                place = keys.index(key) + 1
            else:
                keys.insert(place, key)
                place += 1
    return keys


def _rows(trace: "Trace") -> Iterator[tuple[tuple[str, str], str]]:
    for section, rows in (("forward", _forward), ("backward", _backward), ("update", _update)):
        for label, cell in rows(trace):
            yield (section, label), cell


def _forward(trace: "Trace") -> Iterator[tuple[str, str]]:
    for name, tensor in trace.batch.items():
        yield name, cells(tensor)
    for value in trace.values:
        yield (
            (f"{value.name} = {value.made_by}" if value.made_by else value.name),
            cells(value.value),
        )
    several = len(trace.terms) > 1
    for term in trace.terms:
        if term.values.numel() > 1:
            yield f"{term.name if several else 'loss'} of each", cells(term.values)
        if several:
            factor = "" if term.weight == 1 else f"{number(term.weight)} · "
            yield term.name, f"{factor}{_digits(term.value)}"
    yield "loss", _digits(trace.points[0].loss)


def _backward(trace: "Trace") -> Iterator[tuple[str, str]]:
    left = dict(trace.points[0].gradients)
    for value in reversed(trace.values):
        if len(trace.terms) > 1:
            for term in trace.terms:
                if value.name in term.gradients:
                    yield f"∂{term.name}/∂{value.name}", cells(term.gradients[value.name])
        if value.gradient is not None:
            formula = f"\n= {value.formula}" if value.formula else ""
            yield f"∂loss/∂{value.name}", cells(value.gradient) + formula
        path = value.made_by.rpartition(" = ")[0] or value.name
        own = [
            name for name in left if name.rpartition(".")[0] == ("" if path == "model" else path)
        ]
        for name in own:
            formula = f"\n= {trace.formulas[name]}" if name in trace.formulas else ""
            yield f"∂loss/∂{name}", cells(left.pop(name)) + formula
        if value.jacobian is not None:
            yield _jacobian_label(value), cells(value.jacobian)
    for name, gradient in left.items():
        yield f"∂loss/∂{name}", cells(gradient)


def _jacobian_label(value: "Value") -> str:
    assert value.jacobian is not None
    kind = ", element by element" if value.jacobian.ndim == 2 else ""
    return f"∂{value.name}/∂{value.source}{kind}"


def _update(trace: "Trace") -> Iterator[tuple[str, str]]:
    facts = trace.facts
    yield "with", trace.rule or f"{facts['optimizer']}, lr {facts['lr']}"
    before, after = trace.points[0].weights, trace.points[1].weights
    for name in before:
        yield name, cells(before[name])
        yield f"{name}, change", cells(after[name] - before[name])
        yield f"{name}, after", cells(after[name])
    yield "loss after", _digits(trace.points[1].loss)


def _steps(traces: "Sequence[Trace]", labels: Sequence[str]) -> object:
    """A row for each step: the loss, the gradient's norm, and weights that are few."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("step", justify="right", vertical="bottom")
    few = sum(w.numel() for w in traces[0].points[0].weights.values()) <= _WEIGHTS_IN_STEPS
    for label, trace in zip(labels, traces, strict=True):
        names = list(trace.points[0].weights) if few else []
        head = label if len(traces) > 1 else ""
        for title in ("loss", "|gradient|", *names):
            text = f"{head}\n{title}" if len(traces) > 1 else title
            table.add_column(Text(text), justify="right", no_wrap=True)
            head = ""
    for step in range(len(traces[0].points)):
        row = [str(step)]
        for trace in traces:
            point = trace.points[step]
            row += [_digits(point.loss), _digits(point.gradient_norm)]
            if few:
                row += [
                    " ".join(_digits(v) for v in weight.flatten().tolist())
                    for weight in point.weights.values()
                ]
        table.add_row(*row)
    return table


def cells(tensor: "Tensor") -> str:
    """The numbers of a tensor, a row of the batch in each line, their points below each other.

    >>> import torch
    >>> print(cells(torch.tensor([[0.11, -21.0], [1.5, 8.25]])))
    0.11  −21
    1.5     8.25
    """
    if tensor.ndim > 2:
        shown = [cells(part) for part in tensor[:_MOST_ROWS]]
        return "\n\n".join([*shown, *_rest(len(tensor) - _MOST_ROWS, "more")])
    table = tensor.reshape(1, -1) if tensor.ndim < 2 else tensor
    if tensor.ndim == 1 and len(tensor) == 0:
        return ""
    kept = table[:_MOST_ROWS, :_MOST_COLUMNS]
    columns = [_aligned([_digits(v) for v in column]) for column in kept.T.tolist()]
    beyond = ["…"] if table.shape[1] > _MOST_COLUMNS else []
    lines = ["  ".join([*line, *beyond]).rstrip() for line in zip(*columns, strict=True)]
    return "\n".join([*lines, *_rest(len(table) - _MOST_ROWS, "more rows")])


def _rest(count: int, what: str) -> list[str]:
    return [f"… {count} {what}"] if count > 0 else []


def _aligned(texts: Sequence[str]) -> list[str]:
    """Texts of equal width, their decimal points below each other."""
    parts = [text.partition(".") for text in texts]
    left = max(len(whole) for whole, _, _ in parts)
    right = max(len(point + rest) for _, point, rest in parts)
    return [f"{w:>{left}}{(p + r):<{right}}" for w, p, r in parts]


def _digits(value: float) -> str:
    """Four significant digits.

    >>> _digits(-0.28000001), _digits(1e-9), _digits(3)
    ('−0.28', '1e-09', '3')
    """
    text = number(value)
    return f"−{text[1:]}" if text.startswith("-") else text
