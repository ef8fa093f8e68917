"""`losslab check`: the doctor on a loss, on a user's function, or on a whole configuration."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from ..analysis.check import Report

_STYLES = {"broken": "bold red", "warning": "yellow", "note": "cyan"}


def check_command(words: Sequence[str], layout: str | None, *, as_json: bool) -> int:
    """Print what was found; 1 if something is broken, else 0."""
    sys.path.insert(0, str(Path.cwd()))
    if not words:
        raise UserError(
            "check what? losslab check LOSS, FILE.py:FUNCTION, or loss=… model=… data=…"
        )
    reports = _configuration(words) if "=" in words[0] else _losses(words, layout)
    if as_json:
        print(json.dumps([_as_data(report) for report in reports], indent=2))
    else:
        show(reports)
    return int(any(report.broken for report in reports))


def reports_of(words: Sequence[str], layout: str | None = None) -> "list[Report]":
    """What was found about the losses, or the configuration, that the words ask for.

    Raises:
        UserError: words that ask for nothing that there is.
    """
    return _configuration(words) if "=" in words[0] else _losses(words, layout)


def _losses(words: Sequence[str], layout: str | None) -> "list[Report]":
    """Each loss that was asked for, with its options: `focal gamma=0.5 dice`."""
    from .explain import load, read_requests

    asked = [(request, load(request)) for request in read_requests(words)]
    from ..analysis.check import check_function
    from ..analysis.check.layouts import BY_NAME

    if layout is not None and layout not in BY_NAME:
        from difflib import get_close_matches

        near = get_close_matches(layout, BY_NAME, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(f"unknown kind of target '{layout}'.{hint} There are: {', '.join(BY_NAME)}")
    reports = []
    for request, loss in asked:
        if loss.function is None:
            raise UserError(
                f"{request.name} stands for a function of yours: losslab check FILE.py:FUNCTION"
            )
        try:
            reports.append(
                check_function(loss.function, loss.options, name=request.label, layout=layout)
            )
        except UserError as error:
            raise UserError(f"{request.label}: {error}") from error
    return reports


def _configuration(overrides: Sequence[str]) -> "list[Report]":
    from .compose import compose_config, plain

    config = plain(compose_config(list(overrides)))
    from ..analysis.check.configuration import check_configuration

    return check_configuration(config)


def show(reports: "Sequence[Report]") -> None:
    """One row per finding: what, evidence, why, remedy."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for number, report in enumerate(reports):
        if number:
            console.print()
        console.print(Text.assemble((report.name, "bold"), (f"  as {report.probed}", "dim")))
        if not report.findings:
            console.print(Text("  nothing found", style="green"))
            continue
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(ratio=1)
        for finding in report.findings:
            style = _STYLES[finding.level]
            table.add_row(
                Text(f"  {finding.level}", style=style),
                Text.assemble((finding.kind, "bold"), f": {finding.evidence}"),
            )
            table.add_row("", Text(finding.why, style="dim"))
            table.add_row("", Text.assemble(("→ ", style), finding.remedy))
        console.print(table)
    console.print()
    console.print(Text(_verdict(reports)))


def _verdict(reports: "Sequence[Report]") -> str:
    levels = [str(finding.level) for report in reports for finding in report.findings]
    counts = {level: levels.count(level) for level in _STYLES}
    words = [
        f"{n} {level}" if level == "broken" else f"{n} {level}{'s' * (n != 1)}"
        for level, n in counts.items()
        if n
    ]
    return ", ".join(words) if words else "Nothing found."


def _as_data(report: "Report") -> dict[str, object]:
    return {
        "loss": report.name,
        "as": report.probed,
        "also_accepts": list(report.also),
        "broken": report.broken,
        "findings": [finding.as_dict() for finding in report.findings],
    }
