"""`losslab compare`: what runs came to, group by group, and what differs beyond luck."""

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from ..analysis.compare import Comparison

_ONE_LINE = 1000  # columns, where nobody looks
_KINDS = ("t", "bootstrap")


@dataclass(frozen=True)
class Asked:
    """What stands on the command line."""

    words: Sequence[str] = ()
    by: Sequence[str] = ()
    metric: str | None = None
    baseline: str | None = None
    filters: Sequence[str] = ()
    interval: str = "t"
    experiment: str | None = None
    uri: str | None = None
    plot: bool = False
    output: Path | None = None
    html: Path | None = None
    csv: Path | None = None
    as_json: bool = False
    command: str = field(default_factory=lambda: _command(sys.argv))


def compare_command(asked: Asked) -> int:
    """Print the comparison, and write what was asked for; the exit code."""
    for path in (asked.output, asked.html, asked.csv):
        if path is not None and not path.absolute().parent.is_dir():
            raise UserError(f"can't write {path}: there is no folder {path.absolute().parent}")
    comparison = comparison_of(asked)
    written = _write(asked, comparison)
    if asked.as_json:
        from ..analysis.comparison_text import as_data

        files = {"files": [str(path) for path in written]} if written else {}
        print(json.dumps({**as_data(comparison), **files}, indent=2, ensure_ascii=False))
        return 0
    _show(comparison, written)
    return 0


def comparison_of(asked: Asked) -> "Comparison":
    """What was asked for, computed: of runs on disk, or in a store where one is named."""
    from ..analysis.collect import collect
    from ..analysis.compare import compare

    if asked.interval not in _KINDS:
        raise UserError(f"--interval must be t or bootstrap; got {asked.interval}")
    if asked.experiment is not None or asked.uri is not None:
        from ..analysis.from_mlflow import collect_from_mlflow

        words = [word for word in asked.words if word != "last"]
        selection = collect_from_mlflow(
            words, experiment=asked.experiment or "losslab", uri=asked.uri
        )
    else:
        selection = collect(asked.words)
    return compare(
        selection,
        by=[key for keys in asked.by for key in keys.split(",") if key],
        metric=asked.metric,
        baseline=asked.baseline,
        filters=asked.filters,
        interval_kind="bootstrap" if asked.interval == "bootstrap" else "t",
    )


def _command(arguments: Sequence[str]) -> str:
    import shlex

    return shlex.join(["losslab", *arguments[1:]])


def _write(asked: Asked, comparison: "Comparison") -> list[Path]:
    """The files that were asked for."""
    written = []
    if asked.csv is not None:
        import csv

        from ..analysis.comparison_text import as_rows

        with asked.csv.open("w", newline="") as file:
            csv.writer(file).writerows(as_rows(comparison))
        written.append(asked.csv)
    if asked.html is not None:
        from ..analysis.comparison_html import as_html

        asked.html.write_text(as_html(comparison, asked.command), encoding="utf-8")
        written.append(asked.html)
    if asked.plot or asked.output is not None:
        written.append(_plot(comparison, asked.output))
    return written


def _plot(comparison: "Comparison", output: Path | None) -> Path:
    from ..analysis.comparison_plots import curve_of, draw_curves

    figure = draw_curves(comparison)
    if figure is None:
        raise UserError(
            f"--plot: the runs have no curve of {curve_of(comparison.metric)}; choose another "
            "metric with --metric"
        )
    name = re.sub(r"[^\w.-]+", "-", f"compare-{comparison.title}").strip("-")
    path = output or Path(f"{name[:80]}.png")
    try:
        figure.savefig(path, dpi=150)
    except ValueError as error:
        raise UserError(f"can't write {path}: {str(error).splitlines()[0]}") from error
    return path


def _show(comparison: "Comparison", written: Sequence[Path]) -> None:
    from rich.console import Console
    from rich.text import Text

    from ..analysis.comparison_text import left_out, method
    from .trimmed import trimmed

    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _ONE_LINE  # for grep and such
    with trimmed(console):
        console.print(_header(comparison))
        console.print()
        table = _table(comparison, together=False)
        unbounded = console.options.update(max_width=_ONE_LINE)
        if console.measure(table, options=unbounded).maximum > console.width:
            table = _table(comparison, together=True)
        console.print(table)
        console.print()
        for line in method(comparison):
            console.print(Text(line, style="dim"))
        for line in comparison.notes:
            console.print(Text.assemble(("Note: ", "yellow"), line))
        for line in left_out(comparison):
            console.print(Text.assemble(("Left out: ", "yellow"), line))
        for path in written:
            console.print(f"wrote {path}", markup=False)


def _header(comparison: "Comparison") -> str:
    from rich.markup import escape

    count = sum(len(group.values) for group in comparison.groups)
    groups = len(comparison.groups)
    runs = f"{count} run{'s' * (count != 1)} in {groups} group{'s' * (groups != 1)}"
    by = f" by {', '.join(comparison.keys)}" if comparison.keys else ""
    return f"[bold]{escape(comparison.title)}[/]  {escape(comparison.metric)} · {runs}{escape(by)}"


def _table(comparison: "Comparison", *, together: bool) -> "Table":
    """The groups; `together`, with all their labels in one column, which may wrap."""
    from rich.table import Table
    from rich.text import Text

    from ..analysis.comparison_text import cells, columns, decimals

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    one_column = together or not comparison.factors
    for name in ["group"] if one_column else comparison.factors:
        table.add_column(Text(name), no_wrap=not together, overflow="fold")
    for title in columns(comparison):
        table.add_column(Text(title), justify="right" if title else "left", no_wrap=True)
    digits = decimals(comparison)
    for group in comparison.groups:
        first = [group.name] if one_column else list(group.labels)
        row = [*first, *cells(comparison, group, digits)]
        style = "green" if group.best else ""
        table.add_row(*(Text(cell) for cell in row), style=style)
    return table
