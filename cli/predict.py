"""`losslab predict`: a trained run answers new data, files to files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..analysis.predicted_files import Written

_NAMED = 3  # files of one input that a line names


def predict_command(
    which: str,
    inputs: Sequence[Path],
    output: Path,
    *,
    checkpoint: str = "best",
    threshold: str | None = None,
    probabilities: bool = False,
    separator: str | None = None,
    overwrite: bool = False,
) -> int:
    """Answer files of new data, and say what was written; the exit code."""
    from ..analysis.predict import Predictor
    from ..analysis.predicted_files import predict_files
    from ..analysis.threshold import read_rule
    from ..training.runs import find_run, read_config

    rule = None if threshold is None else read_rule(threshold)
    sys.path.insert(0, str(Path.cwd()))
    run_dir = find_run(which)
    predictor = Predictor.of(read_config(run_dir), run_dir, checkpoint, rule)
    written = predict_files(
        predictor,
        inputs,
        output,
        probability=probabilities,
        overwrite=overwrite,
        separator=separator,
    )
    _show(f"{run_dir.name}[/], {checkpoint} checkpoint", predictor.threshold, written)
    print(f"next: losslab evaluate {run_dir.name}   losslab export {run_dir.name}")
    return 0


def _show(name: str, threshold: float | None, written: "Sequence[Written]") -> None:
    from rich.console import Console
    from rich.markup import escape

    from .console import number

    console = Console(soft_wrap=True, highlight=False)
    cut = "" if threshold is None else f", yes above {number(threshold)}"
    console.print(f"[bold]{name}{cut}")
    for one in written:
        if one.note:
            console.print(f"[yellow]Note:[/] {escape(one.note)}")
        more = len(one.files) - _NAMED
        files = ", ".join(map(str, one.files[:_NAMED])) + (f" and {more:,} more" * (more > 0))
        console.print(f"wrote {escape(files)}: {escape(one.text)}")
