"""Where a run is, and the losses of its last steps."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..losses.objective import Objective
from .config import TrainerConfig
from .journal import Journal, Row
from .pruning import GivesUp

_FLUSH_STEPS = 64  # steps whose losses may wait on the device


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
        pruned: whether a search has given the run up.
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
    pruned: bool = False
    window: list[float] = field(default_factory=list)
    epoch_window: list[float] = field(default_factory=list)

    def note(self, value: float | None, sign: int, min_delta: float) -> bool:
        """Whether the epoch that just ended is the best so far, by the monitored metric's value.

        Args:
            value: None where it was not measured.
            sign: 1 if more is better, else −1.
            min_delta: smallest change that counts as improvement.
        """
        if value is None:
            return False
        gain = math.inf if self.best is None else sign * (value - self.best)
        if not math.isfinite(value) or not gain > min_delta:
            self.stale += 1
            return False
        self.best, self.best_epoch, self.stale = value, self.epoch, 0
        return True

    def out_of_patience(self, patience: int | None) -> bool:
        """Whether it has not improved for so long."""
        return patience is not None and self.stale >= patience

    def ask(self, gives_up: GivesUp, value: float | None, config: TrainerConfig) -> None:
        """Ask whether to go on after the epoch that just ended; a run that ends anyhow is complete.

        Args:
            gives_up: hears epoch and value, and answers.
            value: the monitored metric's; None where it was not measured.
            config: how long the run is.
        """
        if value is None:
            return
        given_up = bool(gives_up(self.epoch, value))  # not NumPy's: a checkpoint holds it
        ends = self.epoch >= config.epochs or self.out_of_patience(config.patience)
        self.pruned = given_up and not ends

    @property
    def reason(self) -> str:
        """Why the run ended before its time; empty if it did not, or by its own patience."""
        return f"pruned after epoch {self.epoch}" if self.pruned else ""


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
        self.take(table, times)

    def take(self, table: Sequence[Sequence[float]], times: Sequence[float]) -> None:
        """The values of each term, one row a step, for the steps that end at the present one.

        Raises:
            NonFiniteLoss: one of them is NaN or infinite.
        """
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
