"""`hydra/launcher=vectorized`: jobs that differ in numbers are trained as one program."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from .loader import SweepLoader


@dataclass
class VectorizedConf:
    """What `hydra.launcher` holds.

    Args:
        max_width: the most runs in one program; null takes what fits into memory.
    """

    _target_: str = "hydra_plugins.losslab.vectorized.VectorizedLauncher"
    max_width: int | None = None


class VectorizedLauncher(Launcher):
    """Groups the jobs, trains each group as one program, and the others one by one.

    Args:
        max_width: see `VectorizedConf`.
    """

    def __init__(self, max_width: int | None = None) -> None:
        self.max_width = max_width
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
            loader: Any = SweepLoader(hydra_context.config_loader)
            hydra_context.config_loader = loader
        self.task_function = task_function

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run the jobs; what each came to, in their order."""
        from losslab.cli.sweep import run_jobs

        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        returns, jobs = [], []
        for index, overrides in enumerate(job_overrides, initial_job_idx):
            config = self._config(list(overrides), index)
            directory = Path(config.hydra.sweep.dir) / config.hydra.sweep.subdir
            directory.mkdir(parents=True)
            job = JobReturn()
            job.overrides = list(overrides)
            job.hydra_cfg = OmegaConf.create({"hydra": config.hydra})
            job.task_name = config.hydra.job.name
            with open_dict(config):
                del config["hydra"]
            job.cfg = config
            returns.append(job)
            jobs.append((config, directory, ",".join(filter_overrides(list(overrides)))))
        outcomes = run_jobs(jobs, self.max_width)
        for job, outcome in zip(returns, outcomes, strict=True):
            job.status = JobStatus.COMPLETED
            job.return_value = outcome
        return returns

    def _config(self, overrides: list[str], index: int) -> DictConfig:
        """The configuration of one job, as Hydra's basic launcher makes it."""
        loader = self.hydra_context.config_loader
        config: DictConfig = loader.load_sweep_config(self.config, overrides)
        with open_dict(config):
            config.hydra.job.id = str(index)
            config.hydra.job.num = index
        HydraConfig.instance().set_config(config)  # for what refers to it
        return config
