"""Finding runs again by name, id or prefix, among the directories of runs here."""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..errors import UserError
from .metrics_mode import sign_of
from .record import CONFIG, SUMMARY
from .tracker import STATE

RUNS_DIR = Path("outputs")


def all_runs(runs_dir: Path = RUNS_DIR) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every run's directory and summary, also of the runs in sweeps."""
    for pattern in (f"*/{SUMMARY}", f"*/*/{SUMMARY}"):
        for path in runs_dir.glob(pattern):
            yield path.parent, json.loads(path.read_text())


def find_run(which: str, runs_dir: Path = RUNS_DIR) -> Path:
    """The directory of a run.

    Args:
        which: `last`; `best`, the best by its metric among those on the same data as the last; a
            name; an MLflow id; a unique prefix of either; or the directory itself.
        runs_dir: where to look.

    Raises:
        UserError: no run, or several, have that name.
    """
    if (Path(which) / SUMMARY).exists():
        return Path(which)
    runs = sorted(all_runs(runs_dir), key=lambda item: item[1].get("started", 0.0))
    if not runs:
        raise UserError(f"there are no runs in {runs_dir}/: start one with losslab train")
    if which == "last":
        return runs[-1][0]
    if which == "best":
        return _best(runs)
    ids = {run_dir: _run_id(run_dir) for run_dir, _ in runs}
    exact = [d for d, s in runs if which in (s["name"], d.name, ids[d])]
    matches = exact or [
        d for d, s in runs if s["name"].startswith(which) or ids[d].startswith(which)
    ]
    if len(matches) == 1:
        return matches[0]
    names = [summary["name"] for _, summary in runs]
    if matches:
        from ..data.messages import listed  # completion is spared torch

        shown = listed(d.name for d in matches)
        raise UserError(f"{len(matches)} runs begin with '{which}': {shown}. Give more of the name")
    stems = {name.rpartition("-")[0]: name for name in names}  # without the random digits
    near = get_close_matches(which, [*names, *stems], n=1)
    near = [stems.get(name, name) for name in near]
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UserError(f"no run '{which}' in {runs_dir}/.{hint} The latest is {names[-1]}")


def _best(runs: list[tuple[Path, dict[str, Any]]]) -> Path:
    """The best of the runs that can be compared with the last one."""
    latest = runs[-1][1]
    same = [
        (d, s)
        for d, s in runs
        if s.get("best") is not None
        and (s.get("monitor"), s.get("data")) == (latest.get("monitor"), latest.get("data"))
    ]
    if not same:
        raise UserError("no run here has finished an epoch that could be called best")
    sign = sign_of(latest["monitor"])
    return max(same, key=lambda item: sign * item[1]["best"])[0]


def _run_id(run_dir: Path) -> str:
    path = run_dir / STATE
    return str(json.loads(path.read_text()).get("run_id") or "") if path.exists() else ""


def read_config(run_dir: Path) -> dict[str, Any]:
    """The resolved configuration a run was made from.

    Raises:
        UserError: there is none.
    """
    import yaml

    path = run_dir / CONFIG
    if not path.exists():
        raise UserError(f"{run_dir} holds no {CONFIG}: it is no run's directory")
    config: Mapping[str, Any] = yaml.safe_load(path.read_text())
    return dict(config)
