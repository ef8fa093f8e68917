"""Runs that are trained as one program: their epochs, their ends, and what each leaves behind."""

import math
import time as clock
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import torch
from torch import Tensor

from ..data.source import Batch, SplitName, batch_starts
from ..errors import UserError
from .assemble import build_model, build_objective, build_optimizer
from .build import files_loaded_once
from .config import TrackingConfig, TrainerConfig
from .custom_metrics import task_metrics
from .heap import frozen_heap
from .loop import POINTS
from .metrics import Values
from .metrics_mode import monitored, sign_of
from .preflight import bind, check_options
from .progress import NonFiniteLoss, Progress, TrainingLosses
from .pruning import watcher_of
from .record import Record, follow_together
from .report import Report
from .run import Parts, Result, check_monitor, run_tags, typed
from .seeding import seed_everything
from .signals import StopFlag, Stopped
from .stacked_data import StackedData
from .stacked_optimizer import NotStackable, StackedOptimizer
from .stacked_run import Job, StackedRun
from .step import Outputs
from .vectorized import VectorizedStep
from .versions import versions

_FIRST_SAVE = 5.0  # seconds until the first checkpoints
_WRITERS = 4  # checkpoints that are written at the same time


class StackedGroup:
    """The runs, their stacked step, and the data that they see.

    Args:
        jobs: alike but for seeds, learning rates, weights and numeric options.
        parts: what the first of them is made of.
        data: what each of them sees.
        trainer: how they train.
        report: hears what happens.
        compile: compile the program, see `VectorizedStep.compile`; so does `trainer.compile`.

    Attributes:
        tried: the seconds of a step's gradients.

    Raises:
        NotStackable: they can't be trained as one program; nothing has been written.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        parts: Parts,
        data: StackedData,
        trainer: TrainerConfig,
        report: Report,
        compile: bool,
    ) -> None:
        self.jobs = jobs
        self.compiles = compile or trainer.compile
        self.parts = parts
        self.data = data
        self.trainer = trainer
        self.report = report
        self.device = parts.device
        self._metrics = [
            task_metrics(trainer.metrics, spec, parts.outputs, parts.ignore_index)
            for spec in data.specs
        ]
        self.tracking = typed(TrackingConfig, jobs[0].config["tracking"])
        batches = len(batch_starts(data.size("train"), trainer.batch_size))
        self.steps_per_epoch = min(batches, trainer.max_batches or batches)
        self.steps = self.steps_per_epoch * trainer.epochs
        self.end = trainer.epochs - 1 / self.steps_per_epoch
        self.shared = data.is_shared  # as long as the program lives, also if runs end
        metrics = self._metrics[0]()
        self.monitor = monitored(trainer.monitor, metrics.headline)
        self.sign = sign_of(self.monitor)
        check_monitor(self.monitor, metrics, parts)
        with files_loaded_once():  # models of one class can be stacked
            self.step = self._stack(jobs)
        self.tried = self._try()

    def _stack(self, jobs: Sequence[Job]) -> VectorizedStep:
        models, self.objectives, self.groups, self.rates = [], [], [], []
        batch, outputs = self.parts.batch, dict(self.parts.outputs)
        main_output = self.parts.spec.main_output
        kind = ""
        for job in jobs:
            seed_everything(job.config["seed"])
            model = build_model(job.config, self.parts.spec).to(self.device)
            objective = build_objective(job.config).to(self.device)
            bind(objective, batch, outputs, main_output)
            check_options(objective, self.parts.step, batch, outputs)
            optimizer, rate = build_optimizer(job.config, list(model.parameters()), self.device)
            kind = type(optimizer).__name__
            models.append(model)
            self.objectives.append(objective)
            self.groups.append(
                {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}
            )
            self.rates.append(rate)
        stacked = StackedOptimizer(kind, self.groups, self.rates, next(models[0].parameters()))
        seed_everything(jobs[0].config["seed"])
        try:
            return VectorizedStep(
                models,
                self.objectives,
                stacked,
                inputs=self.parts.step.inputs,
                main_output=main_output,
                shared_batches=self.shared,
                clip_norm=self.trainer.clip_norm,
            )
        except RuntimeError as error:  # as of models that are not alike
            raise NotStackable(_in_a_line(error)) from error

    def _try(self) -> float:
        """See that the program can be stacked at all; the seconds of its gradients."""
        batch = next(self.batches(0))
        try:
            with self.step.leaving_no_trace():
                self.step.gradients(batch, 0.0)  # which prepares
                begin = clock.perf_counter()
                self.step.gradients(batch, 0.0)[0].sum().item()  # waits for the device
                return clock.perf_counter() - begin
        except Exception as error:  # whatever vmap says of a user's model or loss
            raise NotStackable(_in_a_line(error)) from error

    def compile(self) -> None:
        """Compile the program; where that can't be done, say why and go on without."""
        begin = clock.perf_counter()
        try:
            self.step.compile(next(self.batches(0)))
        except Exception as error:  # whatever torch's compiler says
            self.compiles = False
            self.report.note(f"the program is not compiled: {_in_a_line(error)}")
        else:
            self.report.note(f"compiled in {clock.perf_counter() - begin:.3g} s")

    def drop_compiled(self) -> None:
        """Go on as if it had never been compiled."""
        self.compiles = False
        self.step.drop_compiled()

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Those of an epoch, `[runs, batch, ...]`, or `[batch, ...]` where all see the same."""
        batches = self.data.batches(epoch, self.trainer.batch_size, self.shared)
        return islice(batches, self.steps_per_epoch)

    def train(self) -> list[Result | Exception]:
        """All epochs, then each run's test; each one's result, or what ended it."""
        self.runs = self._begin()
        everyone = list(self.runs)
        try:
            with StopFlag() as flag, frozen_heap():
                # A short sweep is over before its first checkpoints, a long one soon has some.
                next_save = clock.perf_counter() + min(_FIRST_SAVE, self.trainer.checkpoint_every)
                for epoch in range(self.trainer.epochs):
                    self._train_epoch(epoch, flag)
                    self._end_epoch(epoch)
                    if clock.perf_counter() >= next_save:
                        self._save_all()
                        next_save = clock.perf_counter() + self.trainer.checkpoint_every
                    if not any(self.step.alive):
                        break
                    if epoch + 1 < self.trainer.epochs:
                        self._let_go()
            self._save_all()
            self._conclude([True] * len(self.runs))
            return [run.result for run in everyone if run.result is not None]
        except BaseException as error:
            status = "KILLED" if isinstance(error, (Stopped, KeyboardInterrupt)) else "FAILED"
            for index, run in enumerate(self.runs):
                if run.record.summary["status"] == "RUNNING":
                    state = self.step.state_of(index)
                    run.save_as("last", state, self.step, index, self.monitor)
                    run.record.finish(status, str(error) or type(error).__name__)
            raise
        finally:
            for run in everyone:
                run.record.close()

    def _begin(self) -> list[StackedRun]:
        records: list[Record] = []
        runs = []
        code = versions()
        try:
            for index, job in enumerate(self.jobs):
                record = Record(job.run_dir, self.tracking)
                records.append(record)
                progress = Progress()
                every = self.tracking.log_every or max(1, math.ceil(self.steps / POINTS))
                losses = TrainingLosses(self.objectives[index], record.journal, every, progress)
                source = self.data.sources[self.data.source_of[index]]
                tags, summary = run_tags(job.config, source, record, code)
                tags["monitor"] = self.monitor
                record.begin(job.config, tags, follow=False, monitor=self.monitor, **summary)
                record.keep_data(self.data.kept(index))
                objective, rate = self.objectives[index], self.rates[index]
                group = self.groups[index]
                gives_up = watcher_of(job.config)
                runs.append(StackedRun(objective, rate, group, record, progress, losses, gives_up))
        except BaseException:
            for record in records:
                record.discard()
            raise
        follow_together(records)
        return runs

    def _train_epoch(self, epoch: int, flag: StopFlag) -> None:
        values: list[Tensor] = []
        times: list[float] = []
        for index, batch in enumerate(self.batches(epoch)):
            time = epoch + index / self.steps_per_epoch
            values.append(torch.stack(self.step.train(batch, time)))
            times.append(time)
            if flag.signal_number is not None:
                raise Stopped(flag.signal_number)
        table = torch.stack(values).permute(2, 0, 1).float().tolist()  # run, step, term
        for index, run in enumerate(self.runs):
            if run.error is not None or not self.step.alive[index]:
                continue
            run.progress.step += len(times)
            try:
                run.losses.take(table[index], times)
            except NonFiniteLoss as error:
                run.fail(error)
                self.step.stop(index)
        shown = [
            run.losses.last
            for run in self.runs
            if run.error is None and run.losses.last is not None
        ]
        median = sorted(shown)[len(shown) // 2] if shown else None
        self.report.progress((epoch + 1) * self.steps_per_epoch, self.steps, median)

    def _end_epoch(self, epoch: int) -> None:
        measured: list[Values] = [{} for _ in self.runs]
        if self.data.size("val"):
            measured = self.evaluate("val", self.step.alive)
        last_step = epoch + 1 - 1 / self.steps_per_epoch
        asked: list[tuple[float | None, int]] = []
        for index, (run, found) in enumerate(zip(self.runs, measured, strict=True)):
            if run.error is not None or not self.step.alive[index]:
                continue
            progress = run.progress
            progress.epoch = epoch + 1
            run.losses.epoch_mean()
            rate = run.rate(last_step) if callable(run.rate) else run.rate
            values = {f"val/{name}": value for name, value in found.items()} | {"lr": rate}
            if progress.note(values.get(self.monitor), self.sign, self.trainer.min_delta):
                run.best = self.step.state_of(index)
            run.record.journal.metrics((n, v, progress.step) for n, v in values.items())
            asked.append((values.get(self.monitor), index))
        # The best is asked first, so that halving compares each run with those ahead of it.
        for value, index in sorted(asked, key=self._rank):
            run = self.runs[index]
            if run.gives_up is not None:
                run.progress.ask(run.gives_up, value, self.trainer)
            if run.progress.pruned or run.progress.out_of_patience(self.trainer.patience):
                self.step.stop(index)

    def _rank(self, asked: tuple[float | None, int]) -> float:
        value, _ = asked
        return math.inf if value is None or math.isnan(value) else -self.sign * value

    def evaluate(self, split: SplitName, which: Sequence[bool]) -> list[Values]:
        """Loss of every run on a split, with its present weights; of these also task metrics."""
        tensors, one = self.data.whole(split), self.data.is_one
        size, batch_size = self.data.size(split), self.trainer.batch_size
        starts = list(batch_starts(size, batch_size))[: self.trainer.max_batches]
        sums: dict[str, Tensor] = {}
        answers: list[Outputs] = []
        with self.step.evaluating():
            for first in starts:
                rows = slice(first, first + batch_size)
                batch = {n: t[rows] if one else t[:, rows] for n, t in tensors.items()}
                outputs, total, terms = self.step.evaluate(batch, self.end, shared=one)
                answers.append(outputs)
                parts = {"loss": total}
                if len(terms) > 1:
                    parts |= {f"terms/{name}": value for name, value in terms.items()}
                count = min(batch_size, size - first)
                for name, part in parts.items():
                    sums[name] = sums.get(name, torch.zeros_like(part)) + part * count
        count = min(size, starts[-1] + batch_size)
        every = {name: torch.cat([a[name] for a in answers], 1) for name in answers[0]}
        losses = {name: (total / count).tolist() for name, total in sums.items()}
        found = []
        for index, run in enumerate(self.runs):
            found.append({name: values[index] for name, values in losses.items()})
            if run.error is not None or not which[index]:
                continue
            metrics = self._metrics[self.data.source_of[index]]()
            seen: Batch = {n: (t if one else t[index])[:count] for n, t in tensors.items()}
            try:
                metrics.update({name: answer[index] for name, answer in every.items()}, seen)
                found[index] |= metrics.compute()
            except UserError as error:  # a metric of the user's, which harms no other run
                run.fail(error)
                self.step.stop(index)
        return found

    def _let_go(self) -> None:
        """Conclude the runs that have ended early and go on without them, once they are half."""
        alive = self.step.alive
        rows = [row for row, on in enumerate(alive) if on]
        if 2 * len(rows) > len(alive):
            return
        ended = [not on for on in alive]
        self._save_all(ended)
        step = self.step
        weights, buffers = step.weights, step.buffers
        step.weights = weights.clone()
        step.buffers = {name: buffer.clone() for name, buffer in buffers.items()}
        self._conclude(ended)
        step.weights, step.buffers = weights, buffers
        step.keep(rows)
        self.runs = [self.runs[row] for row in rows]
        self.data = self.data.of(rows)
        if self.compiles:
            self.compile()

    def _conclude(self, which: Sequence[bool]) -> None:
        """Evaluate the best epoch of those runs, and close them."""
        self.step.put([run.best for run in self.runs])
        split: SplitName = "test" if self.data.size("test") else "val"
        measured: list[Values] = [{} for _ in self.runs]
        if self.data.size(split):
            measured = self.evaluate(split, which)
        for run, found, ended in zip(self.runs, measured, which, strict=True):
            if ended:
                metrics = {f"{split}/{name}": value for name, value in found.items()}
                if run.error is None:
                    run.finish(metrics, self.monitor)
                else:
                    run.result = run.error

    def _save_all(self, which: Sequence[bool] | None = None) -> None:
        """Write the checkpoints of all runs, or of these; some at a time, as disks answer late."""
        chosen = [i for i in range(len(self.runs)) if which is None or which[i]]
        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(lambda i: self.runs[i].save(self.step, i, self.monitor), chosen))


def _in_a_line(error: Exception) -> str:
    """The first line of what it says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
