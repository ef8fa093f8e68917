"""What a sweep leaves behind beside its runs: a table of them, and pictures.

sweep.csv           one row per run: its state, what it was made of that differs, its metrics
plots/groups.png    each group's runs, mean and 95 % interval
plots/parallel.png  every run a line through all that varies
plots/heatmap.png   the metric over the two things that explain most of it
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from .collect import RunData, Selection, collect
from .varying import MISSING, Config, labels, replicates, value_at, varying

TABLE = "sweep.csv"
PLOTS = "plots"
_DPI = 110


def write_summary(sweep_dir: Path, **asked: Any) -> list[Path]:
    """Write the table and the pictures that the sweep's runs allow.

    Args:
        sweep_dir: the sweep's directory.
        asked: how its runs are compared, the options of `compare`.

    Returns:
        The files; of runs that can't be compared, the table only.
    """
    selection = collect([str(sweep_dir)])
    return [
        _write_table(selection.runs, sweep_dir / TABLE),
        *_draw(selection, sweep_dir / PLOTS, **asked),
    ]


def _write_table(runs: Sequence[RunData], path: Path) -> Path:
    configs = [run.config for run in runs]
    keys = [*varying(configs), *replicates(configs)]
    columns = [_exact(key, configs) for key in keys]
    metrics = sorted({name for run in runs for name in run.metrics})
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "status", *keys, *metrics])
        for run, *values in zip(runs, *columns, strict=True):
            found = [run.metrics.get(metric, "") for metric in metrics]
            writer.writerow([run.name, run.status, *values, *found])
    return path


def _exact(key: str, configs: Sequence[Config]) -> list[Any]:
    """Each configuration's value: numbers with all their digits, parts by their name."""
    nodes = [value_at(config, key) for config in configs]
    return [
        "" if node is MISSING else node if isinstance(node, (bool, int, float)) else label
        for node, label in zip(nodes, labels(key, configs), strict=True)
    ]


def _draw(selection: Selection, folder: Path, **asked: Any) -> list[Path]:
    from .compare import compare
    from .comparison_plots import draw_intervals
    from .sweep_plots import draw_heatmap, draw_parallel

    try:
        comparison = compare(selection, **asked)
    except UserError:  # the comparison at the sweep's end says why
        return []
    if not any(group.values for group in comparison.groups):
        return []
    folder.mkdir(exist_ok=True)
    drawn = {
        "groups": draw_intervals(comparison),
        "parallel": draw_parallel(comparison),
        "heatmap": draw_heatmap(comparison),
    }
    written = []
    for name, figure in drawn.items():
        path = folder / f"{name}.png"
        path.unlink(missing_ok=True)  # of the sweep before it went on
        if figure is not None:
            figure.savefig(path, dpi=_DPI)
            written.append(path)
    return written
