"""`losslab evaluate`: a run's metrics, at a threshold of one's choice, and its probabilities."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .figures import check_folder, save_figure

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..analysis.evaluate import Evaluation
    from ..analysis.examine import Examined
    from ..analysis.threshold import Thresholded

PICTURE = "evaluation.png"


def evaluate_command(
    which: str,
    changes: list[str],
    split: str,
    checkpoint: str,
    *,
    threshold: str | None = None,
    calibration: bool = False,
    plot: bool = False,
    output: Path | None = None,
    as_json: bool = False,
) -> int:
    """Print the metrics of a run's checkpoint on a split; the exit code."""
    from ..analysis import evaluate as analysis
    from ..analysis.examine import examine
    from ..analysis.rebuild import restore
    from ..analysis.threshold import read_rule
    from ..training.runs import find_run, read_config
    from .changes import apply_changes

    if split not in ("train", "val", "test"):
        raise UserError(f"--split must be train, val or test; got {split}")
    rule = None if threshold is None else read_rule(threshold)
    if output is not None:
        check_folder(output)
    sys.path.insert(0, str(Path.cwd()))
    run_dir = find_run(which)
    parts, loop = restore(apply_changes(read_config(run_dir), changes), run_dir, checkpoint)
    found: Evaluation | Thresholded = (
        analysis.evaluate(parts, loop, split)  # type: ignore[arg-type]
        if rule is None
        else analysis.cut(parts, loop, split, rule)  # type: ignore[arg-type]
    )
    drawn = plot or output is not None
    examined = None
    if calibration or drawn:
        examined = examine(parts, loop, split)  # type: ignore[arg-type]
    picture = _drawn(examined, found, run_dir, output) if drawn and examined else None
    if as_json:
        data = {"run": run_dir.name, "split": split, **_as_data(found)}
        data |= {"calibration": examined.as_dict()} if examined else {}
        data |= {"plot": str(picture)} if picture else {}
        print(json.dumps(data))
        return 0
    _show(found, f"[bold]{run_dir.name}[/], {checkpoint} checkpoint", split)
    if calibration and examined:
        _show_calibration(examined, split)
    if picture:
        print(f"wrote {picture}")
    return 0


def _as_data(found: "Evaluation | Thresholded") -> dict[str, Any]:
    from ..analysis.evaluate import Evaluation

    if isinstance(found, Evaluation):
        return {**found.metrics, "ignoring_the_input": found.trivial}
    return found.as_dict()


def _drawn(
    examined: "Examined", found: "Evaluation | Thresholded", run_dir: Path, output: Path | None
) -> Path:
    from ..analysis.evaluate_plots import draw
    from ..analysis.threshold import Thresholded

    figure = draw(examined, found if isinstance(found, Thresholded) else None)
    if output is None:
        output = run_dir / "plots" / PICTURE
        output.parent.mkdir(exist_ok=True)
    return save_figure(figure, output, dpi=160)


def _show(found: "Evaluation | Thresholded", title: str, split: str) -> None:
    from ..analysis.evaluate import Evaluation
    from .console import TerminalReport

    report = TerminalReport()
    report.console.print(title)
    if isinstance(found, Evaluation):
        report.console.print(report.table(found.metrics, found.trivial, split))
    else:
        _show_cut(found, split, report.console)


def _show_cut(found: "Thresholded", split: str, console: "Console") -> None:
    """Print what a threshold comes to."""
    from rich.text import Text

    from .console import number

    how = f"{found.rule}, chosen on {found.samples:,} validation samples"
    console.print(
        f"threshold [bold]{number(found.threshold)}[/] (score {number(found.cut)}): "
        + ("as given" if found.rule.is_given else how)
    )
    columns: dict[str, Mapping[str, Any]] = {split: found.values, "95 % interval": found.intervals}
    columns |= {"val": found.chosen} if found.chosen else {}
    columns |= {f"{split} at 0.5": found.usual}
    table = _table("metric", columns)
    for metric in found.values:
        table.add_row(metric, *(_cell(column[metric]) for column in columns.values()))
    console.print(table)
    if found.reached is not None:
        console.print(Text(verdict(found, split)))
    console.print(Text(found.method, style="dim"))


def verdict(found: "Thresholded", split: str) -> str:
    """Whether what was wanted is reached where it is judged, in words."""
    from .console import number

    metric, wanted = found.rule.metric, number(found.rule.value)
    low, high = found.intervals[metric]
    interval = f"its interval {number(low)} … {number(high)}"
    says = f"{metric} {number(found.values[metric])} on {split}, "
    if found.reached:
        sure = "lies above it" if low >= found.rule.value else "reaches below it"
        return f"{says}as wanted, {wanted} or more; {interval} {sure}"
    if found.within:
        return f"{says}below the wanted {wanted}; {interval} holds it"
    return (
        f"{says}below the wanted {wanted}, and so is {interval}: the {split} data differ from the "
        f"validation data, or its {found.samples:,} samples are too few to choose on"
    )


def _show_calibration(found: "Examined", split: str) -> None:
    from rich.console import Console
    from rich.text import Text

    from ..analysis.calibration import NAMES

    console = Console(soft_wrap=True, highlight=False)
    before, after = found.calibration, found.cooled
    columns: dict[str, Mapping[str, Any]] = {
        split: before.values,
        "95 % interval": before.intervals,
    }
    if after is not None:
        columns |= {f"at temperature {found.temperature:.3g}": after.values}
    table = _table("calibration", columns)
    for measure, name in NAMES.items():
        table.add_row(name, *(_cell(column[measure]) for column in columns.values()))
    console.print()
    console.print(table)
    console.print(Text(remedy(found, split)))
    console.print(Text("\n".join(_notes(found)), style="dim"))


def remedy(found: "Examined", split: str) -> str:
    """What the validation data say of the temperature, and what it does elsewhere."""
    from .console import number

    if found.temperature is None or found.cooled is None:
        return found.no_temperature
    before, after = found.calibration.values, found.cooled.values
    from_to = {name: f"{number(before[name])} to {number(after[name])}" for name in before}
    worse = "" if after["log_loss"] <= before["log_loss"] else ". It does not carry over: leave it"
    sure = "over-confident" if found.temperature > 1 else "under-confident"
    return (
        f"{sure} on the {found.chosen_on:,} validation samples: dividing the logits by "
        f"{found.temperature:.3g} takes the log loss on {split} from {from_to['log_loss']}, "
        f"the ECE from {from_to['ece']}{worse}"
    )


def _notes(found: "Examined") -> list[str]:
    from ..analysis.calibration import METHOD
    from .console import number

    calibration = found.calibration
    return [
        f"ECE, MCE: mean and largest gap between the {found.claim} and the {found.outcome}, in "
        f"{calibration.how}",
        f"an ECE of about {number(calibration.by_chance)} is what chance alone shows on "
        f"{calibration.samples:,} samples",
        METHOD,
    ]


def _table(title: str, columns: Mapping[str, Any]) -> "Table":
    """An empty table; all but its first two columns are dim."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(title)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right", style="dim" if place else "")
    return table


def _cell(value: Any) -> str:
    from .console import number

    return number(value) if isinstance(value, float) else " … ".join(map(number, value))
