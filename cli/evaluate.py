"""`losslab evaluate`: the task metrics of a trained run."""

import json
import sys
from pathlib import Path

from ..errors import UserError


def evaluate_command(
    which: str, changes: list[str], split: str, checkpoint: str, *, as_json: bool
) -> int:
    """Print the metrics of a run's checkpoint on a split; the exit code."""
    from ..analysis.evaluate import evaluate
    from ..training.runs import find_run, read_config
    from .changes import apply_changes

    if split not in ("train", "val", "test"):
        raise UserError(f"--split must be train, val or test; got {split}")
    if checkpoint not in ("best", "last"):
        raise UserError(f"--checkpoint must be best or last; got {checkpoint}")
    sys.path.insert(0, str(Path.cwd()))
    run_dir = find_run(which)
    config = apply_changes(read_config(run_dir), changes)
    evaluation = evaluate(config, run_dir, split, checkpoint)  # type: ignore[arg-type]
    if as_json:
        values = {"run": run_dir.name, "split": split, **evaluation.metrics}
        print(json.dumps({**values, "ignoring_the_input": evaluation.trivial}))
        return 0
    from .console import TerminalReport

    report = TerminalReport()
    report.console.print(f"[bold]{run_dir.name}[/], {checkpoint} checkpoint")
    report.console.print(report.table(evaluation.metrics, evaluation.trivial, split))
    return 0
