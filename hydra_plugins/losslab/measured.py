"""What a run measures: the metrics that a search may optimise."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from losslab.errors import UserError

Series = dict[str, list[tuple[int, float]]]
"""Each metric as steps and values."""


def monitored_metric(config: Mapping[str, Any], sweep_dir: Path) -> str:
    """What a run monitors of its own accord: its preflight tells, and leaves nothing behind."""
    from losslab.training.report import Report
    from losslab.training.run import run

    class Listener(Report):  # type: ignore[misc]  # this folder is checked apart
        monitor = ""

        def header(self, facts: Mapping[str, Any]) -> None:
            self.monitor = facts["monitor"]

    listener = Listener()
    run(config, sweep_dir / "preflight", listener, dry=True)
    return listener.monitor


def series_of(run_dir: Path) -> Series:
    """Each metric that a run has written down: step and value."""
    from losslab.training.journal import read_entries
    from losslab.training.tracker import JOURNAL

    series: Series = {}
    for entry, _ in read_entries(run_dir / JOURNAL):
        for name, value, step, _ in entry.get("rows", ()):
            series.setdefault(name, []).append((step, float(value)))
    return series


def value_of(name: str, summary: Mapping[str, Any], series: Series) -> float:
    """A run's metric, of the epoch that its monitored metric calls best.

    Raises:
        UserError: the run has no such metric.
    """
    if name in summary["metrics"]:
        return float(summary["metrics"][name])
    if name not in series:
        known = sorted({*summary["metrics"], *(n for n in series if n.startswith("val/"))})
        raise UserError(
            f"hydra.sweeper.metric: {name} is not measured here: there are {', '.join(known)}"
        )
    best = [step for step, value in series[summary["monitor"]] if value == summary["best"]]
    return dict(series[name]).get(best[0], math.nan) if best else math.nan
