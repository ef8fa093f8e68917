"""`hydra/launcher=vectorized`: jobs that differ in numbers are trained as one program."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from .loader import SweepLoader

_BASIC_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


@dataclass
class VectorizedConf:
    """What `hydra.launcher` holds.

    Args:
        max_width: the most runs in one program; null takes what fits into memory.
        compile: compile the program, and keep that if its steps are faster: those of many small
            networks take about half the time, those made of convolutions no less. It takes seconds,
            for deep networks a minute, and on the CPU a C++ compiler.
    """

    _target_: str = "hydra_plugins.losslab.vectorized.VectorizedLauncher"
    max_width: int | None = None
    compile: bool = False


class VectorizedLauncher(Launcher):
    """Groups the jobs, trains each group as one program, and the others one by one.

    Args:
        max_width: see `VectorizedConf`.
        compile: see `VectorizedConf`.
    """

    def __init__(self, max_width: int | None = None, compile: bool = False) -> None:
        self.max_width = max_width
        self.compile = compile
        self.workers: int | None = 1
        self.config: Any = None
        self.hydra_context: Any = None
        self.task_function: Any = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """See Hydra's `Launcher`."""
        self.config = config
        self.hydra_context = hydra_context
        if not isinstance(hydra_context.config_loader, SweepLoader):  # the sweeper uses it, too
            forgiving = config.hydra.sweeper._target_ == _BASIC_SWEEPER
            loader: Any = SweepLoader(hydra_context.config_loader, forgiving=forgiving)
            hydra_context.config_loader = loader
        self.task_function = task_function

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run the jobs; what each came to, in their order."""
        from losslab.cli.failures import note_failure
        from losslab.cli.sweep import run_jobs

        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        returns, jobs, places = [], [], []
        sweep_dir = Path(self.config.hydra.sweep.dir)
        for place, overrides in enumerate(map(list, job_overrides)):
            words = ",".join(filter_overrides(overrides))
            job = JobReturn()
            job.overrides, job.status, job.return_value = overrides, JobStatus.COMPLETED, {}
            returns.append(job)
            try:
                values, subdir = self._prepare(overrides, initial_job_idx + place)
                (sweep_dir / subdir).mkdir(parents=True)
            except Exception as error:  # its configuration is wrong, which harms no other job
                beside = sweep_dir / f"job-{initial_job_idx + place}"
                note_failure(beside, words, _in_words(error, overrides))
                continue
            job.task_name = self.config.hydra.job.name
            jobs.append((values, sweep_dir / subdir, words))
            places.append(place)
        outcomes = run_jobs(jobs, self.max_width, self.workers, self.compile)
        for place, outcome in zip(places, outcomes, strict=True):
            returns[place].return_value = outcome
        return returns

    def _prepare(self, overrides: list[str], index: int) -> tuple[dict[str, Any], str]:
        """The job's configuration, and what its directory is called."""
        from losslab.cli.compose import plain

        config: DictConfig = self.hydra_context.config_loader.compose_job(self.config, overrides)
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.job.id = str(index)
            config.hydra.job.num = index
        HydraConfig.instance().cfg = config  # type: ignore[assignment]  # for what refers to it
        return plain(config, without="hydra"), config.hydra.sweep.subdir


def _in_words(error: Exception, overrides: Sequence[str]) -> Exception:
    """What the user can put right, if it is that."""
    from losslab.cli.errors import explain_hydra
    from losslab.errors import UserError

    text = explain_hydra(error, overrides)
    return error if text is None else UserError(text)
