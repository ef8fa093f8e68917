"""`make reproduce`: every row of `rows.py` run in full as a user would, and docs/results.md.

    python -m losslab.experiments.reproduce [ROW…] [--fresh]

What a row came to is kept in `outputs/reproduce`; started again, only what is missing is run. A
row's verdict is computed from what its commands left behind, never from what was expected of them.
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
from pathlib import Path
from typing import Any

from .rows import ROWS, Row
from .verdicts import Outcome, Verdict

WORK = Path("outputs") / "reproduce"
RESULTS = Path("docs") / "results.md"
_RESULT = "result.json"


def main(arguments: Sequence[str]) -> int:
    """Run the rows asked for, and write the results of all that have been run; the exit code."""
    fresh = "--fresh" in arguments
    asked = [word for word in arguments if word != "--fresh"]
    known = {row.name for row in ROWS}
    if unknown := [name for name in asked if name not in known]:
        print(f"no such row: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        return 2
    for row in ROWS:
        if not asked or row.name in asked:
            result = _kept(row) if not fresh else None
            if result is None:
                result = run(row)
            print(f"{row.number:>3} {row.name:<20} {_state(result):<12} {result['seconds']:.0f} s")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(as_markdown([(row, _kept(row)) for row in ROWS]))
    print(f"wrote {RESULTS}")
    return 0


def run(row: Row) -> dict[str, Any]:
    """Run the row's commands, one after the other, and judge what they came to."""
    directory = WORK / row.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    outcomes, began = [], time.perf_counter()
    for index, command in enumerate(row.commands):
        before = _runs(directory)
        done = subprocess.run(
            [sys.executable, "-m", "losslab", *shlex.split(command)],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "160"},
        )
        text = done.stdout + done.stderr
        (directory / f"{index}.txt").write_text(f"$ losslab {command}\n{text}")
        own = tuple(sorted(_runs(directory) - before))
        outcomes.append(Outcome(command, own, done.returncode, text))
    seconds = time.perf_counter() - began
    try:
        verdict = row.judge(outcomes)
    except Exception as error:  # a row that fell over is a result, too
        verdict = Verdict(False, (f"no result: {type(error).__name__}: {error}",))
    result = {
        "commands": list(row.commands),
        "seconds": round(seconds, 1),
        "holds": verdict.holds,
        "lines": list(verdict.lines),
        "machine": machine(),
    }
    (directory / _RESULT).write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return result


def _runs(directory: Path) -> set[Path]:
    """The runs and sweeps of a directory."""
    return set((directory / "outputs").glob("*"))


def _kept(row: Row) -> dict[str, Any] | None:
    """What the row came to before, if its commands are still the same."""
    path = WORK / row.name / _RESULT
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return result if result.get("commands") == list(row.commands) else None


def machine() -> str:
    """What the row was run on."""
    import torch

    from .. import __version__

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{platform.machine()}, {cores} cores, no GPU used; Python {platform.python_version()}, "
        f"torch {torch.__version__}, losslab {__version__}"
    )


def _state(result: dict[str, Any]) -> str:
    return "holds" if result["holds"] else "falls short"


def as_markdown(results: Sequence[tuple[Row, dict[str, Any] | None]]) -> str:
    """The results as a page: a table of verdicts, then each row's commands and findings."""
    done = [(row, result) for row, result in results if result is not None]
    lines = [
        "# Results",
        "",
        "Written by `make reproduce`: each row is a question about a loss function, the commands "
        "that answer it, and what they came to here. Nothing below is typed in.",
        "",
        *(f"Machine: {told}." for told in dict.fromkeys(r["machine"] for _, r in done)),
        "",
        "| # | preset | what it must show | verdict | time |",
        "|---|---|---|---|---|",
    ]
    for row, result in results:
        state = _state(result) if result else "not run"
        seconds = f"{result['seconds']:.0f} s" if result else ""
        lines.append(f"| {row.number} | `{row.name}` | {row.shows} | {state} | {seconds} |")
    for row, result in done:
        lines += ["", f"## {row.number}. `{row.name}`: {_state(result)}", "", row.shows + ".", ""]
        lines += ["```", *(f"losslab {command}" for command in result["commands"]), "```", ""]
        lines += [f"- {line}" for line in result["lines"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
