"""What a run measures: the metrics that a search may optimise."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from losslab.errors import UserError

Curves = Mapping[str, tuple[Sequence[int], Sequence[float]]]
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


def value_of(name: str, summary: Mapping[str, Any], curves: Curves) -> float:
    """A run's metric, of the epoch that its monitored metric calls best.

    Raises:
        UserError: the run has no such metric.
    """
    if name in summary["metrics"]:
        return float(summary["metrics"][name])
    if name not in curves:
        known = sorted({*summary["metrics"], *(n for n in curves if n.startswith("val/"))})
        raise UserError(
            f"hydra.sweeper.metric: {name} is not measured here: there are {', '.join(known)}"
        )
    steps, values = curves[summary["monitor"]]
    best = [step for step, value in zip(steps, values, strict=True) if value == summary["best"]]
    return dict(zip(*curves[name], strict=True)).get(best[0], math.nan) if best else math.nan
