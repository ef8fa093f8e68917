"""`losslab train`: one run, or a sweep with -m."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .sweep import failures, note_failure, stop_sweep

if TYPE_CHECKING:
    from omegaconf import DictConfig


def train_command(arguments: list[str], *, dry_run: bool, resume: str | None) -> int:
    """Train as the overrides say; the exit code."""
    from .errors import guarded

    sys.path.insert(0, str(Path.cwd()))  # the user's own modules
    if resume is not None:
        return guarded(lambda: _resume(resume, arguments), arguments)
    if dry_run:
        return guarded(lambda: _dry_run(arguments), arguments)
    return guarded(lambda: _train(arguments), arguments)


def _train(arguments: list[str]) -> int:
    import hydra

    from .compose import CONFIG_MODULE, CONFIG_NAME, register
    from .overrides import rewrite

    register()
    written = rewrite(arguments)
    if "TORCHELASTIC_RUN_ID" in os.environ and os.environ["RANK"] != "0":
        written.append("hydra.run.dir=.")  # only the main rank of a distributed run keeps anything
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra would print and exit; we answer ourselves
    sys.argv = [sys.argv[0], *written]
    failures.clear()
    main = hydra.main(f"pkg://{CONFIG_MODULE}", CONFIG_NAME, version_base="1.3")(task)
    main()
    if not failures:
        return 0
    if "-m" not in arguments and "--multirun" not in arguments:
        raise failures[0][1]
    from .console import error_line

    failed = "\n  ".join(f"{job}: {error}" for job, error in failures)
    error_line(f"{len(failures)} of the sweep's runs failed:\n  {failed}")
    return 1


def task(config: "DictConfig") -> dict[str, float]:
    """One job: what Hydra and its launchers call, in this process or another.

    An error is kept, not raised: Hydra would print it its own way, and in a sweep hide it.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from ..training.run import run
    from ..training.signals import Stopped
    from .compose import plain

    hydra_config = HydraConfig.get()
    run_dir = Path(hydra_config.runtime.output_dir)
    report = _report()
    try:
        return run(plain(config), run_dir, report).metrics
    except Stopped as stopped:
        if hydra_config.mode == RunMode.MULTIRUN:
            stop_sweep(stopped)  # Hydra would go on
        failures.append((run_dir.name, stopped))
        return {}
    except Exception as error:
        note_failure(run_dir, hydra_config.job.override_dirname, error)
        return {}
    finally:
        report.close()


def _report() -> Any:
    from .console import TerminalReport

    return TerminalReport()


def _dry_run(arguments: list[str]) -> int:
    """Preflight, then the resolved configuration as a tree."""
    from ..training.run import run
    from .compose import compose_config, plain, run_name
    from .tree import print_tree

    config = plain(compose_config(*_split_config_dir(arguments)))
    report = _report()
    run(config, Path(run_name("dry")), report, dry=True)
    print_tree(config)
    report.console.print("preflight passed; nothing was written")
    return 0


def _split_config_dir(arguments: list[str]) -> tuple[list[str], str | None]:
    """The overrides, and the folder after --config-dir, if any.

    Raises:
        UserError: another flag of Hydra's, which has no meaning without a run.
    """
    rest, config_dir = list(arguments), None
    for index, argument in enumerate(arguments):
        flag, _, value = argument.partition("=")
        if flag in ("--config-dir", "-cd"):
            if not value and index + 1 == len(arguments):
                raise UserError(f"{flag} needs a folder: --config-dir conf")
            config_dir = value or arguments[index + 1]
            rest = arguments[:index] + arguments[index + (1 if value else 2) :]
            break
    flags = [argument for argument in rest if argument.startswith("-")]
    if flags:
        raise UserError(f"{flags[0]} can't be used here: expected KEY=VALUE overrides")
    return rest, config_dir


def _resume(run_name: str, arguments: list[str]) -> int:
    """Continue a run where its last checkpoint stands."""
    from ..training.run import run
    from ..training.runs import find_run, read_config
    from .changes import apply_changes

    run_dir = find_run(run_name)
    config = apply_changes(read_config(run_dir), arguments)
    report = _report()
    try:
        run(config, run_dir, report, resume=True)
    finally:
        report.close()
    return 0
