"""`losslab export`: a run's model as files that others load, each checked against the model."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..analysis.export import Exported

_UNITS = ("B", "KiB", "MiB", "GiB")


def export_command(
    which: str, formats: Sequence[str], *, output: Path | None, overwrite: bool, checkpoint: str
) -> int:
    """Write a run's model in each format, and say how it is used; the exit code."""
    from ..analysis.export import export
    from ..training.runs import find_run, read_config

    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    sys.path.insert(0, str(Path.cwd()))
    run_dir = find_run(which)
    found = export(
        read_config(run_dir),
        run_dir,
        tuple(dict.fromkeys(formats)),  # type: ignore[arg-type]  # export knows which there are
        output or Path("exports") / run_dir.name,
        checkpoint,
        overwrite=overwrite,
    )
    _show(found, run_dir.name, checkpoint)
    return 0


def _show(found: Sequence["Exported"], name: str, checkpoint: str) -> None:
    """A line for each file, then how it is used."""
    from rich.console import Console
    from rich.markup import escape

    from .console import number

    console = Console(soft_wrap=True, highlight=False)
    console.print(f"[bold]{escape(name)}[/], {checkpoint} checkpoint")
    longest = max(len(str(exported.path)) for exported in found)
    for exported in found:
        file = f"{exported.format:<6}   {exported.path!s:<{longest}}   {size(exported.size):>8}"
        apart = f"largest difference {number(exported.difference)}"
        console.print(f"{escape(file)}   {apart} on {exported.rows} rows of {exported.split}")
    for exported in found:
        if exported.note:
            console.print(f"[yellow]Note:[/] {escape(exported.note)}")
        if exported.logged:
            console.print(f"in MLflow as {exported.logged}", style="dim")
    for exported in found:
        console.print(f"next: [bold]{escape(_next(exported))}[/]")


def _next(exported: "Exported") -> str:
    """How the file is used."""
    if exported.format == "torch":
        return f'answers = torch.export.load("{exported.path}").module()(input)'
    if exported.format == "onnx":
        return f'session = onnxruntime.InferenceSession("{exported.path}")'
    return f"mlflow models serve -m {quote(str(exported.path))} --env-manager local"


def size(count: float) -> str:
    """A number of bytes.

    >>> size(812), size(214_000), size(3 * 2**30)
    ('812 B', '209 KiB', '3.0 GiB')
    """
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:.1f} {_UNITS[unit]}" if unit and count < 10 else f"{count:.0f} {_UNITS[unit]}"
