"""One of the runs that are trained as one program: what it keeps, and what it leaves behind."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..losses.objective import Objective
from . import checkpoint
from .progress import Progress, TrainingLosses
from .pruning import GivesUp
from .record import Record
from .run import Result
from .seeding import random_state
from .vectorized import VectorizedStep


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Args:
        config: resolved, as plain containers.
        run_dir: an existing directory of the run's own.
    """

    config: Mapping[str, Any]
    run_dir: Path


@dataclass
class StackedRun:
    """What is a run's own, while it is trained with others.

    Args:
        objective: with its numbers.
        rate: its learning rate, or the schedule of it.
        group: the options of its optimizer.
        record: its directory.
        progress: where it stands.
        losses: hears its training losses.
        gives_up: see `losslab.training.pruning`.
        best: weights and buffers of its best epoch.
        error: what ended it before its time.
        result: what it came to, once it is over.
    """

    objective: Objective
    rate: Any
    group: dict[str, Any]
    record: Record
    progress: Progress
    losses: TrainingLosses
    gives_up: GivesUp | None = None
    best: dict[str, Tensor] | None = None
    error: Exception | None = None
    result: Result | Exception | None = None

    def fail(self, error: Exception) -> None:
        """It ends here; the others go on."""
        self.error = error
        self.record.finish("FAILED", f"{type(error).__name__}: {error}")

    def finish(self, metrics: dict[str, float], monitor: str) -> None:
        """Close it, with the metrics of its best epoch."""
        progress, record = self.progress, self.record
        if progress.best is not None:
            metrics[monitor] = progress.best
        record.complete(metrics, progress)
        self.result = Result(
            record.name,
            record.run_dir,
            "FINISHED",
            metrics,
            record.run_id,
            reason=progress.reason,
        )

    def save(self, step: VectorizedStep, index: int, monitor: str) -> None:
        """Write its checkpoints, as it would have written them alone, unless it has failed.

        Args:
            step: of all runs.
            index: its place among them.
            monitor: the metric that chooses the best epoch.
        """
        if self.error is not None:
            return
        self.save_as("last", step.state_of(index), step, index, monitor)
        if self.best is not None:
            self.save_as("best", self.best, step, index, monitor)

    def save_as(
        self,
        name: str,
        model: Mapping[str, Tensor],
        step: VectorizedStep,
        index: int,
        monitor: str,
    ) -> None:
        """Write one checkpoint, if its weights are finite; see `save`."""
        if not all(bool(tensor.isfinite().all()) for tensor in model.values()):
            return
        state = {
            "model": dict(model),
            "optimizer": {
                "state": step.optimizer.state_of(index, step.sizes, step.shapes),
                "param_groups": [{**self.group, "params": list(range(len(step.sizes)))}],
            },
            "objective": self.objective.state_dict(),
            "progress": deepcopy(asdict(self.progress)),
            "random": random_state(),
            "monitor": monitor,
        }
        checkpoint.save(state, self.record.checkpoint(name))
