"""Processes of this machine that train the jobs of a sweep, each of them many.

A worker asks for a task, trains it as it would be trained alone, and answers. It belongs to the
process that started it: a signal there stops the run in good order, and if that process is killed
the worker ends with it. A worker that is killed itself takes only its own task along.
"""

import multiprocessing
import os
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from ..training.report import Report
from .alone import Outcome, Task, run_alone, run_here
from .failures import failures, note_failure, stop_sweep

_LOOK = 0.2  # seconds between two looks at whether a signal has come, or a process has gone
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class _Answer(Report):
    """What a worker says of a run: what the run told it, and what it came to."""

    run: str = ""
    reached: str = ""
    error: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def header(self, facts: Mapping[str, Any]) -> None:
        self.run = facts["name"]

    def note(self, text: str) -> None:
        self.notes.append(text)

    def summary(self, facts: Mapping[str, Any]) -> None:
        from .console import number

        best = facts["progress"].best
        self.reached = "" if best is None else f"{facts['monitor']} {number(best)}"


def run_in_processes(tasks: Sequence[Task], processes: int, threads: int) -> Iterator[Outcome]:
    """Train the tasks in so many processes; each, as soon as it is over, with its metrics.

    Args:
        tasks: what is to be trained.
        processes: how many at a time.
        threads: torch's in each process; 0 shares out those of this one.
    """
    from ..training.pace import cores
    from ..training.signals import StopFlag, Stopped

    threads = threads or max(1, cores() // processes)
    waiting = deque(tasks)
    screen = _Screen(tasks)
    workers = [_Worker(threads) for _ in range(processes)]
    try:
        with StopFlag() as flag:
            while workers and flag.signal_number is None:
                for worker in _that_speak(workers):
                    task, answer = worker.task, worker.hear()
                    if task is not None:
                        answer_or_loss = answer or _lost(task, worker.ended_by())
                        screen.show(task, answer_or_loss)
                        yield task, answer_or_loss.metrics
                    if answer is not None and waiting:
                        worker.take(waiting.popleft())
                        continue
                    worker.close()
                    workers.remove(worker)
                    if answer is None and task is not None and waiting:
                        workers.append(_Worker(threads))
            if flag.signal_number is not None:
                for worker in workers:
                    worker.stop(flag.signal_number)
                while any(worker.process.is_alive() for worker in workers):
                    _that_speak(workers)
                stop_sweep(Stopped(flag.signal_number))
    finally:
        screen.close()
        for worker in workers:
            worker.process.kill()
            worker.close()
    yield from run_here(list(waiting))  # no process could be started


class _Worker:
    """A process that asks for tasks, as the sweep sees it."""

    def __init__(self, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, threads, Path.cwd()))
        self.process.start()
        theirs.close()
        self.task: Task | None = None

    def take(self, task: Task) -> None:
        """Give it something to do."""
        self.task = task
        with suppress(OSError):  # it has just gone, which is found at the next look
            self.connection.send(task)

    def hear(self) -> _Answer | None:
        """What it came to, empty before its first task; None if it has gone."""
        self.task = None
        if self.connection.poll():
            with suppress(EOFError, OSError):
                answer: _Answer = self.connection.recv()
                return answer
        return None

    def stop(self, signal_number: int) -> None:
        """End its run in good order; without one it can go at once."""
        if self.task is None or self.process.pid is None:
            self.process.kill()
            return
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal_number)

    def ended_by(self) -> str:
        """What ended it, in words."""
        self.process.join()
        code = self.process.exitcode or 0
        if code >= 0:
            return f"its process ended by itself, with code {code}"
        name = signal.Signals(-code).name
        return f"its process was ended by {name}" + ", perhaps for want of memory" * (
            name == "SIGKILL"
        )

    def close(self) -> None:
        """It hears that there is no more to do, and goes."""
        self.connection.close()
        self.process.join()


def _that_speak(workers: Sequence[_Worker]) -> list[_Worker]:
    """Those that have something to say or have gone, after a moment at most."""
    ready = wait([worker.connection for worker in workers], _LOOK)
    return [w for w in workers if w.connection in ready or not w.process.is_alive()]


def _lost(task: Task, reason: str) -> _Answer:
    """Note that the task's process has gone; its run can go on from its last checkpoint."""
    from ..training.record import SUMMARY
    from .runs import mark_killed

    run_dir = task.job.run_dir
    if (run_dir / SUMMARY).exists():
        mark_killed(run_dir, SUMMARY)
    note_failure(run_dir, task.words, RuntimeError(reason))
    return _Answer(run_dir.name, error=reason)


class _Screen:
    """A row for each run that is over, above a bar of all of them."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        from .console import TerminalReport

        self._report = TerminalReport()
        self._shared = set.intersection(*(set(_overrides(task)) for task in tasks))
        self._runs, self._over = len(tasks), 0
        self._notes: set[str] = set()
        self._began = time.monotonic()

    def show(self, task: Task, answer: _Answer) -> None:
        """One more is over."""
        from rich.markup import escape

        from .console import span

        self._over += 1
        for text in answer.notes:
            if text not in self._notes:
                self._report.note(text)
        self._notes.update(answer.notes)
        came_to = f"[red]failed[/]: {escape(answer.error)}" if answer.error else answer.reached
        own = " ".join(word for word in _overrides(task) if word not in self._shared)
        words = [f"[bold]{answer.run}[/]" if answer.run else "", escape(own), came_to]
        line = "  ".join(word for word in words if word)
        elapsed = span(time.monotonic() - self._began)
        self._report.console.print(f"{self._over:>4}/{self._runs:<4} {line}  {elapsed}")
        self._report.progress(self._over, self._runs, None)

    def close(self) -> None:
        """Take the bar away."""
        self._report.close()


def _overrides(task: Task) -> list[str]:
    """A task's overrides, one by one: a comma that no key follows stands within a value."""
    return re.split(r",(?=[^,=]+=)", task.words)


def _serve(connection: Connection, threads: int, directory: Path) -> None:
    """What a worker does: one task after another, until there are no more."""
    _belong_to_the_sweep()
    os.chdir(directory)

    import torch

    torch.set_num_threads(threads)
    answer = _Answer()
    with suppress(EOFError):
        while True:
            connection.send(answer)
            answer = _train(connection.recv())


def _belong_to_the_sweep() -> None:
    """Hear signals from the sweep only, not from the terminal; end with it."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    if hasattr(os, "setsid"):
        os.setsid()
    threading.Thread(target=_end_with_the_sweep, daemon=True).start()


def _end_with_the_sweep() -> NoReturn:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # at once, as the sweep did: the run goes on from its last checkpoint


def _train(task: Task) -> _Answer:
    """Train one, and leave in good order if a signal asks for it."""
    from ..training.signals import Stopped

    answer = _Answer()
    failures.clear()
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        answer.metrics = run_alone(task, answer)
    except Stopped as stopped:
        raise SystemExit(128 + stopped.signal_number) from None
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
    answer.error = "; ".join(str(error) for _, error in failures)
    return answer


def _stop(number: int, _: FrameType | None) -> NoReturn:
    """Where a run is not in its loop, which looks for signals itself."""
    from ..training.signals import Stopped

    raise Stopped(number)
