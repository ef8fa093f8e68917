"""The loop: epochs of steps, with validation, checkpoints and early stopping between them.

It serves every kind of step; what it measures goes to the journal, what it shows to the report.
"""

import copy
import math
import random
import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from ..data.source import Batch, Source, SplitName
from ..losses.objective import Objective
from .config import TrainerConfig
from .distributed import World, any_rank
from .journal import Journal, Row
from .metrics import Metrics, Values
from .metrics_mode import mode_of
from .report import Report
from .signals import StopFlag, Stopped
from .step import Step

_POINTS = 1000  # logged training losses of a run, unless tracking.log_every says otherwise
_FLUSH_STEPS = 64  # steps whose losses may wait on the device
_PROGRESS_SECONDS = 0.2


class NonFiniteLoss(Exception):
    """The loss became NaN or infinite."""


@dataclass
class Progress:
    """Where a run is.

    Args:
        epoch: epochs that are over.
        batch: batches of the current epoch that are over.
        step: batches that are over in all.
        best: best value of the monitored metric.
        best_epoch: the epoch that reached it.
        stale: epochs since.
        window: sums of each term's values and of the total since losses were last logged, and their
            number.
        epoch_window: the same since the epoch began.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: float | None = None
    best_epoch: int = 0
    stale: int = 0
    window: list[float] = field(default_factory=list)
    epoch_window: list[float] = field(default_factory=list)


class TrainingLosses:
    """Keeps the losses of the last steps on the device, and logs their means from time to time.

    Args:
        objective: its terms give names and weights.
        journal: where the means go.
        every: steps between two logged means.
        progress: holds the sums, so that a resumed run continues them.
    """

    def __init__(
        self, objective: Objective, journal: Journal, every: int, progress: Progress
    ) -> None:
        self.terms = objective.terms
        self.journal = journal
        self.every = every
        self.progress = progress
        self._waiting: list[Tensor] = []
        self._times: list[float] = []
        self.last: float | None = None

    def add(self, values: Sequence[Tensor], time: float) -> None:
        """The values of one step's terms; every now and then this waits for the device."""
        self._waiting.extend(values)
        self._times.append(time)
        if len(self._times) >= _FLUSH_STEPS:
            self.flush()

    def flush(self) -> None:
        """Bring the waiting losses over, and log the windows they complete.

        Raises:
            NonFiniteLoss: one of them is NaN or infinite.
        """
        if not self._times:
            return
        table = torch.stack(self._waiting).float().reshape(len(self._times), -1).tolist()
        times, self._times, self._waiting = self._times, [], []
        first_step = self.progress.step - len(times) + 1
        rows: list[Row] = []
        for step, (time, values) in enumerate(zip(times, table, strict=True), first_step):
            weights = [term.weight_at(time) for term in self.terms]
            total = sum(w * v for w, v in zip(weights, values, strict=True))
            if not math.isfinite(total):
                self._raise(step, values)
            self.last = total
            for window in (self.progress.window, self.progress.epoch_window):
                _add(window, (total, *values))
            if step % self.every == 0:
                rows += self._rows(step, weights)
                self.progress.window.clear()
        self.journal.metrics(rows)

    def _rows(self, step: int, weights: Sequence[float]) -> Iterator[Row]:
        count, *sums = self.progress.window
        yield "train/loss", sums[0] / count, step
        for term, weight, value in zip(self.terms, weights, sums[1:], strict=True):
            if len(self.terms) > 1 or weight != 1.0 or callable(term.weight):
                yield f"train/terms/{term.name}", value / count, step
            if callable(term.weight):
                yield f"weights/{term.name}", weight, step

    def _raise(self, step: int, values: Sequence[float]) -> None:
        bad = [
            f"{term.name} = {value}"
            for term, value in zip(self.terms, values, strict=True)
            if not math.isfinite(value)
        ]
        raise NonFiniteLoss(f"the loss is not finite at step {step}: {', '.join(bad) or 'total'}")

    def epoch_mean(self) -> float:
        """The mean total of the epoch so far; starts the next epoch's sums."""
        self.flush()
        count, total, *_ = self.progress.epoch_window or [1, math.nan]
        self.progress.epoch_window.clear()
        return total / count


def _add(window: list[float], values: Sequence[float]) -> None:
    if not window:
        window.extend([0.0] * (1 + len(values)))
    window[0] += 1
    for index, value in enumerate(values, 1):
        window[index] += value


class Saver:
    """Writes checkpoints as they come, as long as that takes at most a twentieth of the time.

    One that comes too soon is kept in memory, and written with the next or at the end.

    Args:
        write: writes a state under a name.
    """

    _SHARE = 0.05

    def __init__(self, write: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._write = write
        self._waiting: dict[str, Mapping[str, Any]] = {}
        self._next = 0.0

    def save(self, name: str, state: Mapping[str, Any], now: bool = False) -> None:
        """Write `state` now, or when it is time."""
        due = now or clock.perf_counter() >= self._next
        self._waiting[name] = state if due else copy.deepcopy(state)
        if due:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        begin = clock.perf_counter()
        while self._waiting:
            name, state = self._waiting.popitem()
            self._write(name, state)
        end = clock.perf_counter()
        self._next = end + (end - begin) / self._SHARE


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
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        batches = math.ceil(self.source.size("train") / self.config.batch_size)
        self.steps_per_epoch = min(batches, self.config.max_batches or batches)
        self.steps = self.steps_per_epoch * self.config.epochs
        self.losses = TrainingLosses(
            self.objective,
            self.journal,
            self.log_every or max(1, math.ceil(self.steps / _POINTS)),
            self.progress,
        )
        self._saver = Saver(self.save)
        monitor = self.config.monitor
        if monitor == "auto":
            monitor = f"val/{self.new_metrics().headline}"
        self.monitor = monitor if monitor.startswith("val/") else f"val/{monitor}"
        self.sign = -1 if mode_of(self.monitor) == "min" else 1

    def fit(self) -> Progress:
        """Train until the epochs are over or patience is.

        Raises:
            Stopped: by a signal, after saving.
            NonFiniteLoss: the loss is NaN or infinite.
        """
        try:
            with StopFlag() as flag:
                while self.progress.epoch < self.config.epochs and not self._out_of_patience():
                    self._train_epoch(flag)
                    self._end_epoch()
        finally:
            self._saver.flush()
        return self.progress

    def _out_of_patience(self) -> bool:
        return self.config.patience is not None and self.progress.stale >= self.config.patience

    def batches(self, split: SplitName, start: int = 0) -> Iterator[Batch]:
        """The batches of one pass, on the device."""
        training = split == "train"
        stream = self.source.batches(
            split,
            self.config.batch_size,
            seed=self.seed * 1_000_003 + self.progress.epoch if training else None,
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
        if self.gradient_shares:
            batch = next(self.batches("train"))
            shares = self.step.gradient_shares(batch, float(progress.epoch))
            values |= {f"gradient_shares/{name}": share for name, share in shares.items()}
        values["lr"] = self.step.learning_rate
        best = self._note_best(values)
        rows = [(n, v, progress.step) for n, v in values.items() if n != "train/loss"]
        self.journal.metrics(rows)
        self.report.progress(progress.step, self.steps, values["train/loss"])
        self.report.epoch(progress.epoch, self.config.epochs, values, best)
        if best:
            self._check_and_save("best")
        self._check_and_save("last", now=progress.epoch == self.config.epochs)

    def _note_best(self, values: Mapping[str, float]) -> bool:
        value = values.get(self.monitor)
        if value is None:
            return False
        progress = self.progress
        gain = math.inf if progress.best is None else self.sign * (value - progress.best)
        if not gain > self.config.min_delta:
            progress.stale += 1
            return False
        progress.best, progress.best_epoch, progress.stale = value, progress.epoch, 0
        return True

    def _check_and_save(self, name: str, now: bool = False) -> None:
        self.losses.flush()  # what a checkpoint has behind it stands in the journal
        if not self.step.is_finite():
            raise NonFiniteLoss(f"the weights are not finite after step {self.progress.step}")
        self._saver.save(name, self.state(), now)

    def evaluate(self, split: SplitName) -> Values:
        """Loss, terms and task metrics on a split; weights are those of the end of training.

        So values of different epochs can be compared while a weight rises.
        """
        metrics = self.new_metrics()
        sums: dict[str, float] = {}
        count = 0
        with self.step.evaluating():
            for batch in self.batches(split):
                outputs, value = self.step.evaluate(batch, float(self.config.epochs))
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
        set_random_state(state["random"])


def random_state() -> dict[str, Any]:
    """The state of every random generator that training draws from."""
    import numpy as np

    # Users' own code may draw from NumPy's global generator.
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002
    assert isinstance(numpy_state, dict)
    inner = numpy_state["state"]
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": random.getstate(),
        "numpy": {**numpy_state, "state": {**inner, "key": inner["key"].tolist()}},
    }


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put the generators where they were."""
    import numpy as np

    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    inner = state["numpy"]["state"]
    key = np.array(inner["key"], np.uint32)
    np.random.set_state({**state["numpy"], "state": {**inner, "key": key}})  # noqa: NPY002


def seed_everything(seed: int) -> None:
    """Seed every random generator that training draws from."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed)
