"""The loop: epochs of steps, with validation, checkpoints and early stopping between them.

It serves every kind of step; what it measures goes to the journal, what it shows to the report.
"""

import math
import time as clock
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import torch

from ..data.source import Batch, Source, SplitName, batch_starts, epoch_seed
from ..losses.objective import Objective
from .checkpoint import Saver
from .config import TrainerConfig
from .distributed import World, any_rank
from .heap import frozen_heap
from .journal import Journal
from .metrics import Metrics, Values
from .metrics_mode import monitored, sign_of
from .progress import NonFiniteLoss, Progress, TrainingLosses
from .pruning import GivesUp
from .report import Report
from .seeding import random_state, set_random_state
from .signals import StopFlag, Stopped
from .step import Step

POINTS = 1000  # logged training losses of a run, unless tracking.log_every says otherwise
_PROGRESS_SECONDS = 0.2


@dataclass
class Loop:
    """All that training needs; `fit` runs it.

    Args:
        step: moves the weights.
        source: gives the batches.
        objective: what the step minimises.
        new_metrics: makes empty task metrics.
        config: how long, and when to stop.
        log_every: steps between logged losses; None for at most 1,000 points.
        seed: draws the order of the data.
        journal: hears every number.
        report: shows some of them.
        save: writes a state as the checkpoint `last` or `best`.
        world: this process among the ranks.
        device: where the step wants its batches.
        gradient_shares: whether to measure them after every epoch.
        curvature: measures it, of a step at a time.
        curvature_every: epochs between its measurements.
        gives_up: hears the monitored metric after every epoch; see `losslab.training.pruning`.
        progress: where to begin.
    """

    step: Step
    source: Source
    objective: Objective
    new_metrics: Callable[[], Metrics]
    config: TrainerConfig
    log_every: int | None
    seed: int
    journal: Journal
    report: Report
    save: Callable[[str, Mapping[str, Any]], None]
    world: World
    device: torch.device
    gradient_shares: bool = False
    curvature: Callable[[Step, float], Values] | None = None
    curvature_every: int = 1
    gives_up: GivesUp | None = None
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        size, shard = self.source.size("train"), (self.world.rank, self.world.size)
        batches = len(batch_starts(size, self.config.batch_size, shard=shard))
        if batches == 0:
            raise ValueError(f"{size} training samples are too few for {self.world.size} processes")
        self.steps_per_epoch = min(batches, self.config.max_batches or batches)
        self.steps = self.steps_per_epoch * self.config.epochs
        self.end = self.config.epochs - 1 / self.steps_per_epoch  # the time of the last step
        self.losses = TrainingLosses(
            self.objective,
            self.journal,
            self.log_every or max(1, math.ceil(self.steps / POINTS)),
            self.progress,
        )
        self._saver = Saver(self.save)
        self.monitor = monitored(self.config.monitor, self.new_metrics().headline)
        self.sign = sign_of(self.monitor)

    def fit(self) -> Progress:
        """Train until the epochs are over, or patience is, or a search gives the run up.

        Raises:
            Stopped: by a signal, after saving.
            NonFiniteLoss: the loss is NaN or infinite.
        """
        try:
            with StopFlag() as flag, frozen_heap():
                while self.progress.epoch < self.config.epochs:
                    if any_rank(self._ends_early(), self.world):
                        break
                    self._train_epoch(flag)
                    self._end_epoch()
        finally:
            self._saver.flush()
        return self.progress

    def _ends_early(self) -> bool:
        return self.progress.pruned or self.progress.out_of_patience(self.config.patience)

    def batches(self, split: SplitName, start: int = 0) -> Iterator[Batch]:
        """The batches of one pass, on the device."""
        training = split == "train"
        stream = self.source.batches(
            split,
            self.config.batch_size,
            seed=epoch_seed(self.seed, self.progress.epoch) if training else None,
            start=start,
            shard=(self.world.rank, self.world.size) if training else (0, 1),
        )
        limit = self.config.max_batches
        for batch in islice(stream, None if limit is None else max(0, limit - start)):
            yield {
                name: tensor if tensor.device == self.device else tensor.to(self.device)
                for name, tensor in batch.items()
            }

    def _train_epoch(self, flag: StopFlag) -> None:
        progress, losses, train = self.progress, self.losses, self.step.train
        epoch, per_epoch = progress.epoch, self.steps_per_epoch
        now = clock.perf_counter()
        next_report, next_save = now, now + self.config.checkpoint_every
        for batch in self.batches("train", start=progress.batch):
            time = epoch + progress.batch / per_epoch
            values = train(batch, time)
            progress.batch += 1
            progress.step += 1
            losses.add(values, time)
            now = clock.perf_counter()
            if now >= next_report:
                self.report.progress(progress.step, self.steps, losses.last)
                next_report = now + _PROGRESS_SECONDS
            if self.step.between_updates:
                if any_rank(flag.signal_number is not None, self.world):
                    self._check_and_save("last", now=True)
                    raise Stopped(flag.signal_number or 15)
                if now >= next_save and self.world.size == 1:
                    self._check_and_save("last", now=True)
                    next_save = clock.perf_counter() + self.config.checkpoint_every
        self.step.flush()

    def _end_epoch(self) -> None:
        progress = self.progress
        values = {"train/loss": self.losses.epoch_mean()}
        progress.epoch += 1
        progress.batch = 0
        measured = self.evaluate("val") if self.source.size("val") else {}
        values |= {f"val/{name}": value for name, value in measured.items()}
        time = progress.epoch - 1 / self.steps_per_epoch  # of the last step
        if self.gradient_shares:
            batch = next(self.batches("train"))
            with self.step.leaving_no_trace():
                values |= self.step.gradient_measures(batch, time)
        if self.curvature is not None and progress.epoch % self.curvature_every == 0:
            values |= self.curvature(self.step, time)
        values |= self.step.measures()
        best = progress.note(values.get(self.monitor), self.sign, self.config.min_delta)
        if self.gives_up is not None:
            progress.ask(self.gives_up, values.get(self.monitor), self.config)
        rows = [(n, v, progress.step) for n, v in values.items() if n != "train/loss"]
        self.journal.metrics(rows)
        self.report.progress(progress.step, self.steps, values["train/loss"])
        self.report.epoch(progress.epoch, self.config.epochs, values, best)
        if best:
            self._check_and_save("best")
        self._check_and_save("last", now=progress.epoch == self.config.epochs)

    def _check_and_save(self, name: str, now: bool = False) -> None:
        self.losses.flush()  # what a checkpoint has behind it stands in the journal
        if not self.step.is_finite():
            raise NonFiniteLoss(f"the weights are not finite after step {self.progress.step}")
        self._saver.save(name, self.state(), now)

    def evaluate(self, split: SplitName) -> Values:
        """Loss, terms and task metrics on a split; weights are those of the last step.

        So values of different epochs can be compared while a weight rises.
        """
        metrics = self.new_metrics()
        sums: dict[str, float] = {}
        count = 0
        with self.step.evaluating():
            for batch in self.batches(split):
                outputs, value = self.step.evaluate(batch, self.end)
                size = len(next(iter(batch.values())))
                count += size
                parts = {"loss": value.total}
                if len(value.values) > 1:
                    parts |= {f"terms/{name}": v for name, v in value.values.items()}
                for name, part in parts.items():
                    sums[name] = sums.get(name, 0.0) + part.item() * size
                metrics.update(outputs, batch)
        return {name: total / count for name, total in sums.items()} | metrics.compute()

    def state(self) -> dict[str, Any]:
        """All that a checkpoint must hold to continue exactly here."""
        return {
            **self.step.state(),
            "progress": asdict(self.progress),
            "source": self.source.state(),
            "random": random_state(),
            "monitor": self.monitor,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue where `state` was taken."""
        self.step.load(state)
        for name, value in state["progress"].items():
            current = getattr(self.progress, name)
            if isinstance(current, list):
                current[:] = value
            else:
                setattr(self.progress, name, value)
        self.source.load(state.get("source", {}))
        set_random_state(state["random"])
        if state["monitor"] != self.monitor:  # the best so far was measured otherwise
            self.progress.best, self.progress.best_epoch, self.progress.stale = None, 0, 0
