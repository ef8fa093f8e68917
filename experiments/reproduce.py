"""`make reproduce`: every row of `rows.py` run in full as a user would, and docs/results.md.

    python -m losslab.experiments.reproduce [ROW…] [--fresh]

What a row's commands left behind is kept in `outputs/reproduce`, and judged anew each time; started
again, only what is missing is run.
"""

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .rows import ROWS, Row
from .verdicts import Outcome, Verdict

WORK = Path("outputs") / "reproduce"
RESULTS = Path("docs") / "results.md"
_RESULT = "result.json"


def main(arguments: Sequence[str]) -> int:
    """Run the rows asked for, and write the results of all that have been run.

    Returns:
        The exit code: 1 if one of those asked for falls short, 2 if there is none of that name.
    """
    fresh = "--fresh" in arguments
    asked = [word for word in arguments if word != "--fresh"]
    known = {row.name for row in ROWS}
    if unknown := [name for name in asked if name not in known]:
        print(f"no such row: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        return 2
    short = []
    for row in ROWS:
        if not asked or row.name in asked:
            if fresh or _kept(row) is None:
                run(row)
            done = _kept(row)
            assert done is not None
            short += [] if done.verdict.holds else [row.name]
            print(
                f"{row.number:>3} {row.name:<20} {_state(done):<12} {done.seconds:.0f} s",
                flush=True,
            )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(as_markdown([(row, _kept(row)) for row in ROWS]))
    print(f"wrote {RESULTS}")
    if short:
        print(f"{len(short)} of the rows asked for fall short: {', '.join(short)}")
    return 1 if short else 0


@dataclass(frozen=True)
class Done:
    """A row that has been run.

    Args:
        verdict: of its judge.
        seconds: that its commands took.
        machine: on which they ran.
    """

    verdict: Verdict
    seconds: float
    machine: str


def run(row: Row) -> None:
    """Run the row's commands, one after the other, and keep what they leave behind."""
    directory = WORK / row.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    left, began = [], time.perf_counter()
    for index, command in enumerate(row.commands):
        before = _runs(directory)
        done = subprocess.run(
            [sys.executable, "-m", "losslab", *shlex.split(command)],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "160", "CUDA_VISIBLE_DEVICES": ""},
        )
        _text(directory, index).write_text(done.stdout + done.stderr)
        own = sorted(run.name for run in _runs(directory) - before)
        left.append({"command": command, "code": done.returncode, "runs": own})
    seconds = round(time.perf_counter() - began, 1)
    result = {"seconds": seconds, "machine": machine(), "outcomes": left}
    (directory / _RESULT).write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def _runs(directory: Path) -> set[Path]:
    """The runs and sweeps of a directory."""
    return set((directory / "outputs").glob("*"))


def _text(directory: Path, index: int) -> Path:
    """Where the text is kept that the row's command printed."""
    return directory / f"{index}.txt"


def _kept(row: Row) -> Done | None:
    """What the row came to, if it was run with the commands that it has now."""
    directory = WORK / row.name
    if not (directory / _RESULT).exists():
        return None
    result = json.loads((directory / _RESULT).read_text())
    outcomes = [
        Outcome(
            left["command"],
            tuple(directory / "outputs" / name for name in left["runs"]),
            left["code"],
            _text(directory, index).read_text(),
        )
        for index, left in enumerate(result["outcomes"])
    ]
    if [outcome.command for outcome in outcomes] != list(row.commands):
        return None
    try:
        verdict = row.judge(outcomes)
    except Exception as error:  # a row that fell over is a result, too
        verdict = Verdict(False, (f"no result: {type(error).__name__}: {error}",))
    return Done(verdict, result["seconds"], result["machine"])


def machine() -> str:
    """What the row was run on."""
    import torch

    from .. import __version__
    from ..training.versions import versions

    known = versions()
    commit = known.get("git.commit", "unknown")[:10]
    changed = " and changes" if known.get("git.dirty") == "true" else ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{platform.machine()}, {cores} cores, no GPU used; Python {platform.python_version()}, "
        f"torch {torch.__version__}, losslab {__version__} at commit {commit}{changed}"
    )


def _state(done: Done) -> str:
    return "holds" if done.verdict.holds else "falls short"


def as_markdown(results: Sequence[tuple[Row, Done | None]]) -> str:
    """The results as a page: a table of verdicts, then each row's commands and findings."""
    done = [(row, found) for row, found in results if found is not None]
    lines = [
        "# Results",
        "",
        "Written by `make reproduce`: each row is a question about a loss function, the commands "
        "that answer it, and what they came to here. Nothing below is typed in.",
        "",
        *(f"Machine: {told}." for told in dict.fromkeys(found.machine for _, found in done)),
        "",
        "| # | preset | what it must show | verdict | time |",
        "|---|---|---|---|---|",
    ]
    for row, found in results:
        state = _state(found) if found else "not run"
        seconds = f"{found.seconds:.0f} s" if found else ""
        lines.append(f"| {row.number} | `{row.name}` | {row.shows} | {state} | {seconds} |")
    for row, kept in done:
        lines += ["", f"## {row.number}. `{row.name}`: {_state(kept)}", "", row.shows + ".", ""]
        lines += ["```", *(f"losslab {command}" for command in row.commands), "```", ""]
        lines += [f"- {line}" for line in kept.verdict.lines]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
