"""The task metrics of a trained run, on any split of its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.source import SplitName
from ..errors import UserError
from ..training import checkpoint
from ..training.config import TrackingConfig, TrainerConfig
from ..training.distributed import World, pick_device
from ..training.metrics import Values
from ..training.record import NoRecord
from ..training.report import Report
from ..training.run import build_loop, prepare, typed
from ..training.trivial import trivial_metrics


@dataclass(frozen=True)
class Evaluation:
    """What a run reaches, beside what a predictor reaches that ignores its input."""

    metrics: Values
    trivial: Values


def evaluate(
    config: Mapping[str, Any], run_dir: Path, split: SplitName, which: str = "best"
) -> Evaluation:
    """Rebuild the run from its configuration and checkpoint, and measure it.

    Args:
        config: the run's configuration.
        run_dir: its directory.
        split: which part of the data.
        which: the checkpoint, `best` or `last`.

    Raises:
        UserError: no such checkpoint, one of another model, or an empty split.
    """
    trainer = typed(TrainerConfig, config["trainer"])
    world = World()
    parts = prepare(config, trainer, pick_device(trainer.device, world), world, Report())
    if not parts.source.size(split):
        raise UserError(f"the {split} split is empty")
    record = NoRecord(run_dir, TrackingConfig(enabled=False))
    path = record.checkpoint(which)
    if which == "best" and not path.exists() and record.checkpoint("last").exists():
        path = record.checkpoint("last")  # a run without validation knows no best
    state = checkpoint.load(path)
    checkpoint.check_fits(parts.step.model, state, path)
    parts.step.model.load_state_dict(state["model"])
    loop = build_loop(config, parts, trainer, TrackingConfig(), record, Report(), world)
    metrics = loop.evaluate(split)
    trivial = trivial_metrics(
        parts.source, loop.new_metrics(), parts.channels, split, parts.ignore_index
    )
    return Evaluation(metrics, trivial)
