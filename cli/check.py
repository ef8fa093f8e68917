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
_INDENT = 2 + len("warning") + 1  # the findings' text stands below each other in all reports


def check_command(words: Sequence[str], layout: str | None, *, as_json: bool) -> int:
    """Print what was found; 1 if something is broken, else 0."""
    sys.path.insert(0, str(Path.cwd()))
    reports = reports_of(words, layout)
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
    if not words:
        raise UserError(
            "check what? losslab check LOSS, FILE.py:FUNCTION, or loss=… model=… data=…"
        )
    if "=" not in words[0]:
        return _losses(words, layout)
    if layout is not None:
        raise UserError(
            f"--target {layout} is for losses by themselves: a configuration is judged on its own "
            "data. Leave --target out, or name the loss alone"
        )
    return _configuration(words)


def _losses(words: Sequence[str], layout: str | None) -> "list[Report]":
    """Each loss that was asked for, with its options: `focal gamma=0.5 dice`."""
    from .loss_request import load, read_requests

    asked = [(request, load(request)) for request in read_requests(words)]
    from ..analysis.check import check_function
    from ..analysis.check.layouts import layout_called

    if layout is not None:
        layout_called(layout)
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
    from .errors import explain_hydra

    try:
        config = plain(compose_config(list(overrides)))
    except Exception as error:
        text = explain_hydra(error, overrides)
        if text is None:
            raise
        raise UserError(text) from error
    from ..analysis.check.configuration import check_configuration

    return check_configuration(config)


def show(reports: "Sequence[Report]") -> None:
    """One paragraph per finding: what, evidence, why, remedy."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)

    def paragraph(label: str, text: Text) -> None:
        """The text beside its label, each further line below its first."""
        for line in text.wrap(console, max(console.width - _INDENT, 20)):
            line.rstrip()
            console.print(Text.assemble((label.ljust(_INDENT), style), line), soft_wrap=True)
            label = ""

    for number, report in enumerate(reports):
        if number:
            console.print()
        header = Text.assemble((report.name, "bold"), (f"  as {report.probed}", "dim"))
        console.print(header, soft_wrap=True)
        if not report.findings:
            console.print(Text("  nothing found", style="green"))
        for finding in report.findings:
            style = _STYLES[finding.level]
            what = Text.assemble((finding.kind, "bold"), f": {finding.evidence}")
            paragraph(f"  {finding.level}", what)
            paragraph("", Text(finding.why, style="dim"))
            paragraph("", Text.assemble(("→ ", style), finding.remedy))
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
