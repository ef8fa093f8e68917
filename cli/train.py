"""`losslab train`: one run, or a sweep with -m."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .failures import failures, fixable, list_of, note_failure, stop_sweep
from .sweep import go_on

if TYPE_CHECKING:
    from omegaconf import DictConfig


def train_command(
    arguments: list[str], *, dry_run: bool, resume: str | None, fresh: bool = False
) -> int:
    """Train as the overrides say; the exit code."""
    from .errors import guarded

    sys.path.insert(0, str(Path.cwd()))  # the user's own modules
    if resume is not None:
        return guarded(lambda: _resume(resume, arguments), arguments)
    if dry_run:
        return guarded(lambda: _dry_run(arguments), arguments)
    return guarded(lambda: _train(arguments, fresh), arguments)


def _train(arguments: list[str], fresh: bool) -> int:
    import hydra

    from .compose import CONFIG_MODULE, CONFIG_NAME, register
    from .overrides import rewrite

    register()
    written = rewrite(arguments)
    if "TORCHELASTIC_RUN_ID" in os.environ and os.environ["RANK"] != "0":
        written.append("hydra.run.dir=.")  # only the main rank of a distributed run keeps anything
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra would print and exit; we answer ourselves
    failures.clear()
    sweep = "-m" in arguments or "--multirun" in arguments
    if sweep and not fresh:
        written += _continued(written)
    sys.argv = [sys.argv[0], *written]
    main = hydra.main(f"pkg://{CONFIG_MODULE}", CONFIG_NAME, version_base="1.3")(task)
    try:
        main()
    except BaseException as error:
        if sweep:
            from .sweep_callback import abandon

            abandon(f"stopped: {type(error).__name__}")
        raise
    if sweep:
        return _conclude_sweep(_question(arguments))
    if failures:
        raise failures[0][1]
    return 0


def _continued(written: list[str]) -> list[str]:
    """The directory of the sweep that was started with the same words, if there is one."""
    from ..training.runs import RUNS_DIR
    from ..training.sweeps import find_sweep, sweep_key

    own = [word for word in written if not word.startswith(("-", "hydra"))]
    found = find_sweep(sweep_key(own), RUNS_DIR)
    if found is None or any(word.startswith("hydra.sweep.dir=") for word in written):
        return []
    from .console import error_line

    error_line(f"{found} goes on: what is finished stays; --fresh starts anew", "[yellow]Note:[/]")
    return [f"hydra.sweep.dir={found}"]


def _question(words: Sequence[str]) -> str:
    """What the experiment among the words asks, if there is one of ours."""
    from .listing import choices, describe

    chosen = [word.partition("=")[2] for word in words if word.startswith("experiment=")]
    return describe("experiment", chosen[-1]) if {*chosen[-1:]} & {*choices("experiment")} else ""


def _conclude_sweep(question: str) -> int:
    """How the sweep went, and which of its jobs failed in whichever process; the exit code."""
    from ..training.sweeps import jobs_of
    from .console import error_line, verbosity
    from .errors import OUR_ERROR, USER_ERROR
    from .sweep_callback import directory, errors_of

    sweep_dir = directory()
    failed = errors_of(sweep_dir)
    began = list(jobs_of(sweep_dir))
    done = [summary for _, summary in began if summary["status"] == "FINISHED"]
    if verbosity() and (done or not failed):
        if question:
            print(question)
        _compare(sweep_dir)
        kept = ["sweep.csv", *(f"plots/{p.name}" for p in sorted(sweep_dir.glob("plots/*.png")))]
        print(
            f"{len(done)} runs of {sweep_dir.name} are finished; in {sweep_dir}: {', '.join(kept)}"
        )
        print(f"next: losslab compare {sweep_dir.name} --html report.html   losslab ui")
    if not failed:
        return 0
    error_line(f"{len(failed)} of the sweep's runs failed:\n  {list_of(failed)}")
    return OUR_ERROR if began or not fixable(sweep_dir) else USER_ERROR


def _compare(sweep_dir: Path) -> None:
    """The sweep's answer: what its groups of runs reached, where that can be compared."""
    from .compare import Asked, compare_command
    from .sweep_callback import compared_by

    try:
        compare_command(Asked([str(sweep_dir)], **compared_by()))
    except UserError as error:
        print(error)


def task(config: "DictConfig") -> dict[str, float]:
    """One job: what Hydra and its launchers call, in this process or another.

    An error is kept, not raised: Hydra would print it its own way, and in a sweep hide it.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from ..training.run import run
    from ..training.signals import Stopped
    from ..training.sweeps import jobs_of, known_run
    from .compose import plain

    hydra_config = HydraConfig.get()
    run_dir = Path(hydra_config.runtime.output_dir)
    report = _report(_question(hydra_config.overrides.task))
    try:
        values = plain(config)
        if hydra_config.mode == RunMode.MULTIRUN:
            known = known_run(jobs_of(run_dir.parent), values)
            if known is not None:
                return go_on(known, values, run_dir, hydra_config.job.override_dirname)
        metrics = run(values, run_dir, report).metrics
        if hydra_config.mode == RunMode.RUN and hydra_config.sweeper.get("params"):
            report.compared_by("losslab train -m " + " ".join(hydra_config.overrides.task))
        return metrics
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


def _report(question: str = "") -> Any:
    from .console import TerminalReport

    return TerminalReport(question)


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
        sweep = flags[0] in ("-m", "--multirun")
        hint = (
            "a sweep has no dry run: give one value for each key" if sweep else "expected KEY=VALUE"
        )
        raise UserError(f"{flags[0]} can't be used here: {hint}")
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
