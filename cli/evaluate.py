"""`losslab evaluate`: the task metrics of a trained run, at a threshold of one's choice."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    from ..analysis.threshold import Thresholded


def evaluate_command(
    which: str,
    changes: list[str],
    split: str,
    checkpoint: str,
    *,
    threshold: str | None = None,
    as_json: bool,
) -> int:
    """Print the metrics of a run's checkpoint on a split; the exit code."""
    from ..analysis.evaluate import cut, evaluate
    from ..analysis.threshold import read_rule
    from ..training.runs import find_run, read_config
    from .changes import apply_changes

    if split not in ("train", "val", "test"):
        raise UserError(f"--split must be train, val or test; got {split}")
    rule = None if threshold is None else read_rule(threshold)
    sys.path.insert(0, str(Path.cwd()))
    run_dir = find_run(which)
    config = apply_changes(read_config(run_dir), changes)
    if rule is not None:
        found = cut(config, run_dir, split, rule, checkpoint)  # type: ignore[arg-type]
        return _show_cut(found, run_dir.name, split, checkpoint, as_json=as_json)
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


def _show_cut(
    found: "Thresholded", name: str, split: str, checkpoint: str, *, as_json: bool
) -> int:
    """Print what a threshold comes to."""
    if as_json:
        print(json.dumps({"run": name, "split": split, **found.as_dict()}))
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from .console import number

    console = Console(soft_wrap=True, highlight=False)
    console.print(f"[bold]{name}[/], {checkpoint} checkpoint")
    how = f"{found.rule}, chosen on {found.samples:,} validation samples"
    console.print(
        f"threshold [bold]{number(found.threshold)}[/] (score {number(found.cut)}): "
        + ("as given" if found.rule.is_given else how)
    )
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("metric")
    columns: dict[str, Mapping[str, Any]] = {split: found.values, "95 % interval": found.intervals}
    columns |= {"val": found.chosen} if found.chosen else {}
    columns |= {f"{split} at 0.5": found.usual}
    for title in columns:
        table.add_column(title, justify="right", style="" if title == split else "dim")
    for metric in found.values:
        cells = [columns[title][metric] for title in columns]
        shown = [number(c) if isinstance(c, float) else " … ".join(map(number, c)) for c in cells]
        table.add_row(metric, *shown)
    console.print(table)
    console.print(Text(found.method, style="dim"))
    return 0
