"""What Hydra calls before and after a sweep: its record, and what it came to."""

import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf, open_dict

from ..errors import UserError
from ..training.config import TrackingConfig
from ..training.run import typed
from ..training.sweeps import ERRORS, SweepRecord, sweep_key
from .console import error_line

_record: SweepRecord | None = None  # of the sweep that this process runs
_compare: dict[str, Any] = {}  # by what its runs are compared


class SweepCallback(Callback):
    """Keeps the record of a sweep, the parent of its jobs' runs."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """The sweep begins, or goes on."""
        global _record
        _record = None
        if _is_refused(config):
            return
        _prefer_given(config)
        directory = Path(config.hydra.sweep.dir).absolute()
        directory.mkdir(parents=True, exist_ok=True)
        (directory / ERRORS).unlink(missing_ok=True)
        overrides = list(config.hydra.overrides.task)
        tracking: Any = OmegaConf.to_container(config.tracking, resolve=True)
        _record = SweepRecord(directory, typed(TrackingConfig, tracking))
        tags = {"losslab.sweep": " ".join(overrides), "run_dir": str(directory)}
        asked = dict(override.partition("=")[::2] for override in overrides)
        _record.begin(asked, tags, key=sweep_key(overrides), overrides=overrides)
        _compare.clear()
        compare: Any = OmegaConf.to_container(config.compare, resolve=True)
        _compare.update(compare)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """The sweep is over: a table of its jobs, and pictures."""
        if _record is None:
            return
        failed = errors_of(_record.run_dir)
        try:
            _keep_summary(_record)
        finally:  # it was run, whatever its pictures look like
            state = ("FAILED", f"{len(failed)} jobs failed") if failed else ("FINISHED", "")
            unsent = _record.conclude(*state, float(config.tracking.wait))
        if unsent:
            note = (
                f"not all was sent to MLflow: {unsent}. It is kept, and the next run here sends it"
            )
            error_line(note, "[yellow]Note:[/]")


def _is_refused(config: DictConfig) -> bool:
    """Whether the sweeper will refuse its options, and say why: then nothing is written."""
    try:
        check = getattr(get_class(config.hydra.sweeper._target_), "check", None)
        if check is not None:
            check(config)
    except UserError:
        return True
    return False


def compared_by() -> dict[str, Any]:
    """By what the sweep's configuration wants its runs compared."""
    return dict(_compare)


def abandon(reason: str) -> None:
    """The sweep was stopped before its end."""
    if _record is not None and _record.summary["status"] == "RUNNING":
        _record.finish("KILLED", reason)
        _record.follow()
        _record.close()


def _prefer_given(config: DictConfig) -> None:
    """Of the values that an experiment sweeps over, leave out those given on the command line.

    Hydra would take every combination of both.
    """
    params = config.hydra.sweeper.get("params")
    given = {word.partition("=")[0].lstrip("+") for word in config.hydra.overrides.task}
    for key in [key for key in params or {} if key in given]:
        with open_dict(params):
            del params[key]


def _keep_summary(record: SweepRecord) -> None:
    from ..analysis.sweep_summary import PLOTS, write_summary

    for path in write_summary(record.run_dir, **_compare):
        record.journal.artifact(path, PLOTS if path.parent.name == PLOTS else "")


def keep(path: Path) -> None:
    """Keep a file of the sweep's directory with the sweep's run in MLflow."""
    if _record is not None:
        _record.journal.artifact(path)


def directory() -> Path:
    """Of the sweep that this process runs."""
    assert _record is not None
    return _record.run_dir


def errors_of(sweep_dir: Path) -> list[tuple[str, str]]:
    """The jobs that failed, in whichever process, and why."""
    path = sweep_dir / ERRORS
    if not path.exists():
        return []
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [(entry["job"], entry["error"]) for entry in entries]
