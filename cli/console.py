"""What the terminal shows: a live bar and coloured tables for people, plain lines for pipes."""

import os
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from ..training.report import Report

_VERBOSITY = "LOSSLAB_VERBOSITY"
_MOST_ROWS = 60  # of epochs
_SHOWN_METRICS = 3  # columns of task metrics in the row of an epoch


def verbosity() -> int:
    """0 quiet, 1 normal, 2 verbose; in the environment, so that a sweep's processes inherit it."""
    return int(os.environ.get(_VERBOSITY, "1"))


def set_verbosity(quiet: bool, verbose: bool) -> None:
    """Choose how much is shown."""
    os.environ[_VERBOSITY] = "0" if quiet else "2" if verbose else "1"


def error_line(text: str, title: str = "[bold red]Error:[/]") -> None:
    """What went wrong, on standard error."""
    console = Console(stderr=True, soft_wrap=True)
    console.print(f"{title} {escape(text)}", highlight=False)


def number(value: float) -> str:
    """Four significant digits.

    >>> number(0.123456), number(12345.6), number(0.0000123)
    ('0.1235', '12346', '1.23e-05')
    """
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e6):
        return f"{value:.3g}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def span(seconds: float) -> str:
    """A duration.

    >>> span(5.4), span(83), span(7300)
    ('5s', '1m23s', '2h01m')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


class TerminalReport(Report):
    """Shows a run: a header, a row per epoch over a bar, a final table, the next command.

    Args:
        question: what the run is to answer.
    """

    def __init__(self, question: str = "") -> None:
        self.question = question
        self.console = Console(soft_wrap=True, highlight=False)
        self.verbosity = verbosity()
        self._started = time.perf_counter()
        self._columns: list[str] = []
        self._bar: Any = None
        self._task: Any = None
        self._monitor = ""

    def header(self, facts: Mapping[str, Any]) -> None:
        """One line: what is trained on what."""
        self._monitor = facts["monitor"]
        self._started = time.perf_counter()
        if not self.verbosity:
            return
        sizes = " + ".join(f"{n} {split}" for split, n in facts["sizes"].items() if n)
        size = f"{facts['parameters']:,} parameters"
        what = f"{escape(facts['loss'])} · {facts['model']} ({size})"
        data = f"{escape(str(facts['data']))} ({sizes})"
        self.console.print(f"[bold]{escape(facts['name'])}[/]  {what} · {data} · {facts['device']}")
        if facts["epoch"] or facts["batch"]:
            self.console.print(
                f"resumed in epoch {facts['epoch'] + 1} of {facts['epochs']}, "
                f"after {facts['batch']} batches"
            )
        if self.verbosity > 1:
            self.console.print(f"in {facts['run_dir']}", style="dim")

    def note(self, text: str) -> None:
        """A warning."""
        if not self.verbosity:
            return
        self.console.print(f"[yellow]Note:[/] {escape(text)}")

    def progress(self, step: int, steps: int, loss: float | None) -> None:
        """Move the bar."""
        if not self.console.is_terminal or not self.verbosity:
            return
        if self._bar is None:
            self._start_bar(steps)
        shown = "" if loss is None else f"loss {number(loss)}"
        self._bar.update(self._task, completed=step, loss=shown)

    def _start_bar(self, steps: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[loss]}"),
            TextColumn("{task.fields[metric]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=self.console,
            transient=True,
            refresh_per_second=5,
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=steps, loss="", metric="")

    def epoch(self, epoch: int, epochs: int, values: Mapping[str, float], best: bool) -> None:
        """A row: the epoch's losses and first metrics; of very many epochs, of some of them."""
        if self._bar is not None and self._monitor in values:
            metric = f"{self._monitor} {number(values[self._monitor])}"
            self._bar.update(self._task, metric=metric)
        if not self.verbosity:
            return
        if not self._columns:
            self._columns = _columns(values, self._monitor)
            titles = "".join(f"{_title(name):>{_width(name)}}" for name in self._columns)
            self.console.print(f"[bold]{'epoch':>9}{titles}{'time':>9}[/]")
        every = -(-epochs // _MOST_ROWS)
        if epoch % every and epoch not in (1, epochs):
            return
        cells = "".join(f"{number(values[name]):>{_width(name)}}" for name in self._columns)
        elapsed = span(time.perf_counter() - self._started)
        mark = "  best" if best else ""
        self.console.print(f"{epoch:>4}/{epochs:<4}{cells}{elapsed:>9}[green]{mark}[/]")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def summary(self, facts: Mapping[str, Any]) -> None:
        """The final table, where everything is, and the next commands."""
        self.close()
        result, split = facts["result"], facts["split"]
        metrics = {
            k.partition("/")[2]: v for k, v in result.metrics.items() if k.startswith(f"{split}/")
        }
        if not self.verbosity:
            shown = "  ".join(f"{name}={number(value)}" for name, value in metrics.items())
            self.console.print(f"{result.name}  {shown}")
            return
        if metrics:
            self.console.print(self.table(metrics, facts["trivial"], split))
        if result.answer is not None:
            self._answer(result.answer)
        progress = facts["progress"]
        if progress.best is not None:
            early = "" if progress.epoch == facts["epochs"] else f", stopped after {progress.epoch}"
            self.console.print(
                f"best {facts['monitor']} {number(progress.best)} in epoch "
                f"{progress.best_epoch} of {facts['epochs']}{early}"
            )
        self._where(result, facts)

    def table(self, metrics: Mapping[str, float], trivial: Mapping[str, float], split: str) -> Any:
        """Metrics beside what a predictor reaches that ignores its input."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
        table.add_column("metric")
        table.add_column(split, justify="right")
        if trivial:
            table.add_column("ignoring the input", justify="right", style="dim")
        for name, value in metrics.items():
            cells = [name, number(value)]
            if trivial:
                cells.append(number(trivial[name]) if name in trivial else "")
            table.add_row(*cells)
        return table

    def _answer(self, answer: Any) -> None:
        """What the run says to its question."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
        table.add_column("answer")
        table.add_column("found", justify="right")
        expects = any(finding.wanted for finding in answer.findings)
        if expects:
            table.add_column("wanted")
        for finding in answer.findings:
            value = finding.value
            cells = [finding.says, value if isinstance(value, str) else number(value)]
            if expects:
                mark = {None: "", True: " [green]yes[/]", False: " [red]no[/]"}[finding.holds]
                cells.append(escape(finding.wanted) + mark)
            table.add_row(*map(str, cells))
        self.console.print()
        if self.question:
            self.console.print(f"[bold]{escape(self.question)}[/]")
        self.console.print(table)
        if answer.conclusion:
            self.console.print(escape(answer.conclusion))
        for plot in answer.plots:
            self.console.print(f"see {escape(str(plot))}")
        self.console.print()

    def compared_by(self, command: str) -> None:
        """The run's question asks for a comparison: which command makes it."""
        if self.verbosity:
            self.console.print(f"{escape(self.question)} The comparison: {escape(command)}")

    def _where(self, result: Any, facts: Mapping[str, Any]) -> None:
        self.console.print(f"run [bold]{escape(result.name)}[/] in {escape(str(result.run_dir))}")
        if facts["unsent"]:
            self.console.print(
                f"[yellow]Note:[/] not all of it could be sent to {facts['uri']}: "
                f"{escape(facts['unsent'])}. It is kept, and the next run here sends it"
            )
        elif result.run_id:
            self.console.print(f"in MLflow as {result.run_id} at {facts['uri']}", style="dim")
        measured = any(name.startswith(f"{facts['split']}/") for name in result.metrics)
        evaluate = f"   [bold]losslab evaluate {escape(result.name)}[/]" if measured else ""
        self.console.print(f"next: [bold]losslab ui[/]{evaluate}")


def _columns(values: Mapping[str, float], monitor: str) -> list[str]:
    """The losses, the monitored metric, and the first few others."""
    metrics = [n for n in values if n.startswith("val/") and not n.startswith("val/terms/")]
    metrics = [n for n in metrics if n not in ("val/loss", monitor)]
    chosen = ["train/loss", "val/loss", monitor, *metrics[: _SHOWN_METRICS - 1]]
    return [name for name in dict.fromkeys(chosen) if name in values]


def _width(name: str) -> int:
    return max(14, len(_title(name)) + 2)


def _title(name: str) -> str:
    return name.replace("/", " ")
