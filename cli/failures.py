"""What ends a job of a sweep, and what ends the sweep."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ..errors import UserError
from ..training.sweeps import ERRORS
from ..training.tracker import SWEEP

if TYPE_CHECKING:
    from ..training.signals import Stopped

failures: list[tuple[str, Exception]] = []  # jobs of this process that failed, and why


def note_failure(run_dir: Path, words: str, error: Exception) -> None:
    """Keep what ended a job; the others go on."""
    failures.append((words or run_dir.name, error))
    if (run_dir.parent / SWEEP).exists():  # for the process that started the sweep
        entry = {"job": words or run_dir.name, "error": str(error)}
        line = json.dumps(entry | {"fixable": isinstance(error, UserError)})
        with (run_dir.parent / ERRORS).open("a") as file:
            file.write(line + "\n")
    leave(run_dir)


def fixable(sweep_dir: Path) -> bool:
    """Whether all that failed of the sweep is what the user can put right."""
    lines = (sweep_dir / ERRORS).read_text().splitlines()
    return all(json.loads(line)["fixable"] for line in lines)


def list_of(failed: Sequence[tuple[str, str]]) -> str:
    """Jobs and what ended them, a line for each reason.

    >>> print(list_of([("seed=1", "nan"), ("lr=2", "disk full"), ("seed=2", "nan")]))
    seed=1 and 1 more: nan
      lr=2: disk full
    """
    jobs: dict[str, list[str]] = {}
    for job, error in failed:
        jobs.setdefault(error, []).append(job)
    return "\n  ".join(
        f"{first}{f' and {len(rest)} more' if rest else ''}: {error}"
        for error, (first, *rest) in jobs.items()
    )


def leave(run_dir: Path) -> None:
    """Take a directory away that was made for a job, and of which nothing came."""
    if run_dir.is_dir() and not any(run_dir.iterdir()):
        run_dir.rmdir()


def stop_sweep(stopped: "Stopped") -> NoReturn:
    """A signal stops the whole sweep, not one job of it."""
    from .console import error_line

    text = f"{stopped}; the rest of the sweep was not started. The same command again goes on"
    error_line(text, "[yellow]Note:[/]")
    raise SystemExit(128 + stopped.signal_number) from None
