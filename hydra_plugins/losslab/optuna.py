"""`hydra/sweeper=optuna`: a search for good values instead of every combination.

losslab train -m hydra/sweeper=optuna model=mlp 'optimizer.lr=tag(log,interval(1e-4,1e-1))'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from losslab.errors import UserError

from .auto import AutoConf
from .measured import monitored_metric, value_of
from .search_space import first_point, split, words
from .study import (
    IDENTITY,
    SWEEP,
    Pruner,
    WatchedTask,
    build_sampler,
    check_names,
    gives_up,
    running,
    tell,
)
from .vectorized import VectorizedConf

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution

_IN_PROCESS = (  # launchers that train in the process that searches
    "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
    VectorizedConf._target_,
    AutoConf._target_,  # which stays in this process where runs are watched
)
_DIRECTIONS = {"min": "minimize", "max": "maximize"}


@dataclass
class OptunaConf:
    """What `hydra.sweeper` holds.

    Args:
        n_trials: trials in all; those that the study holds already count.
        n_jobs: trials that are launched together: `hydra/launcher=vectorized` trains them as one
            program.
        sampler: tpe, random, gp, nsgaii, or cmaes where that package is.
        sampler_options: of Optuna's class of that name, as {n_startup_trials: 5}.
        pruner: median, percentile, successive_halving or hyperband; null lets all trials end.
        pruner_options: of Optuna's class of that name.
        metric: what is optimised, or a list of several; null takes the monitored metric. A name
            without a slash is one of the validation data.
        direction: min or max, or a list of them; null takes the metric's own.
        storage: where the study is kept, as sqlite:///optuna.db; null keeps it in memory.
        study_name: the same storage and name go on; null takes the sweep's name.
        seed: of the sampler; null draws one.
    """

    _target_: str = "hydra_plugins.losslab.optuna.OptunaSweeper"
    n_trials: int = 20
    n_jobs: int = 1
    sampler: str = "tpe"
    sampler_options: Any = None
    pruner: str | None = None
    pruner_options: Any = None
    metric: Any = None
    direction: Any = None
    storage: str | None = None
    study_name: str | None = None
    seed: int | None = 0


@dataclass(frozen=True)
class _Job:
    """A trial and the run that tries it."""

    trial: Any  # Optuna's; a name in quotes would fail where Hydra searches for plugins
    overrides: list[str]
    key: str


class OptunaSweeper(Sweeper):
    """Asks an Optuna study for trials, launches them in batches, and tells it what came of them.

    Args:
        options: see `OptunaConf`.
    """

    def __init__(self, **options: Any) -> None:
        plain: Any = OmegaConf.to_container(OmegaConf.create(options))
        self.options = OptunaConf(**plain)
        self.config: Any = None
        self.hydra_context: Any = None
        self.launcher: Any = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """See Hydra's `Sweeper`."""
        self.config = config
        self.hydra_context = hydra_context
        self.sweep_dir = Path(config.hydra.sweep.dir).absolute()
        options = self.options
        self.name = options.study_name or self.sweep_dir.name
        self.pruner = Pruner(options.pruner, options.pruner_options or {})
        if options.pruner is not None and options.storage is not None:
            task_function = WatchedTask(task_function, options.storage, self.name, self.pruner)
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Search; what is printed and written at the end, see `losslab.cli.search`."""
        from losslab.cli.search import conclude

        self.check(self.config)
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        space, shared = split(parser.parse_overrides(arguments))
        config = self._compose([*words(first_point(space)), *shared])
        metrics = self._metrics(config)
        study = self._open(metrics, config["trainer"]["epochs"])
        self.sweep_dir.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, self.sweep_dir / "multirun.yaml")
        begun = running(study, {SWEEP: self.sweep_dir.name})
        launched = 0
        while (room := self.options.n_trials - _ended(study)) > 0:
            count = min(self.options.n_jobs, room)
            trials, begun = begun[:count], begun[count:]
            trials += [_ask(study, space) for _ in range(count - len(trials))]
            self._run(trials, shared, list(metrics), launched)
            launched += count
        return conclude(study, metrics, self.sweep_dir, self.options.storage)

    @staticmethod
    def check(config: DictConfig) -> None:
        """See that the options are some, before anything is written.

        Args:
            config: of the sweep, with Hydra's own.

        Raises:
            UserError: they are not.
        """
        _need_optuna()
        plain: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
        options = OptunaConf(**plain)
        check_names(options.sampler, options.pruner)
        for name in ("n_trials", "n_jobs"):
            if getattr(options, name) < 1:
                raise UserError(
                    f"hydra.sweeper.{name} must be at least 1; got {getattr(options, name)}"
                )
        if options.pruner is None:
            return
        if len(_listed(options.metric)) > 1:
            raise UserError("hydra.sweeper.pruner can't judge by several metrics: give one metric")
        if options.storage is None and config.hydra.launcher._target_ not in _IN_PROCESS:
            raise UserError(
                "hydra.sweeper.pruner needs hydra.sweeper.storage=sqlite:///optuna.db, or another "
                "place that the processes of this launcher can reach"
            )

    def _metrics(self, config: Mapping[str, Any]) -> dict[str, str]:
        """What is optimised, and whether towards its `min` or `max`."""
        from losslab.training.metrics_mode import mode_of

        names = [name if "/" in name else f"val/{name}" for name in _listed(self.options.metric)]
        if not names:
            monitor = config["trainer"]["monitor"]
            if monitor == "auto":
                monitor = monitored_metric(config, self.sweep_dir)
            names = [monitor if monitor.startswith("val/") else f"val/{monitor}"]
        directions = _listed(self.options.direction) or [mode_of(name) for name in names]
        if len(directions) != len(names) or not set(directions) <= set(_DIRECTIONS):
            raise UserError(
                f"hydra.sweeper.direction must be min or max for each metric ({', '.join(names)}); "
                f"got {', '.join(map(str, directions))}"
            )
        return dict(zip(names, directions, strict=True))

    def _open(self, metrics: Mapping[str, str], epochs: int) -> "Study":
        """The study, new or going on."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        options = self.options
        pruner = self.pruner.build(epochs)
        directions: Any = [_DIRECTIONS[direction] for direction in metrics.values()]
        try:
            study = optuna.create_study(
                storage=options.storage,
                study_name=self.name,
                pruner=pruner,
                directions=directions,
                load_if_exists=True,
            )
        except Exception as error:  # whatever the storage says
            reason = str(error).strip().split("\n")[0]
            raise UserError(
                f"hydra.sweeper.storage={options.storage} can't be used: {reason}"
            ) from error
        found = [direction.name.lower() for direction in study.directions]
        if found != directions:
            raise UserError(
                f"study {self.name} in {options.storage} is to {', '.join(found)} its metrics, and "
                f"this search to {', '.join(directions)}: give another hydra.sweeper.study_name"
            )
        # A study that goes on would otherwise draw the numbers of its beginning once more.
        seed = None if options.seed is None else options.seed + len(study.trials)
        study.sampler = build_sampler(options.sampler, options.sampler_options or {}, seed)
        return study

    def _run(
        self, trials: "Sequence[Trial]", shared: Sequence[str], metrics: Sequence[str], first: int
    ) -> None:
        """Launch a batch of trials, and tell the study what came of each."""
        from losslab.cli.search import show_trial
        from losslab.training.pruning import watching
        from losslab.training.sweeps import identity, jobs_of

        open_trials = {trial.number: trial for trial in trials}
        try:
            jobs = []
            for trial in trials:
                overrides = [*words(trial.params), *shared]
                key = identity(self._compose(overrides))
                trial.set_user_attr(IDENTITY, key)
                trial.set_user_attr(SWEEP, self.sweep_dir.name)
                jobs.append(_Job(trial, overrides, key))
            once = {job.key: job for job in reversed(jobs)}  # equal trials are one run
            pruned = self.options.pruner is not None
            asked = {key: gives_up(job.trial) for key, job in once.items()} if pruned else {}
            with watching(asked):
                self.launcher.launch([job.overrides for job in once.values()], first)
            runs = {summary["identity"]: (d, summary) for d, summary in jobs_of(self.sweep_dir)}
            for job in jobs:
                run_dir, summary = runs.get(job.key, (None, {}))
                self._tell(job, run_dir, summary, metrics)
                del open_trials[job.trial.number]
                show_trial(job.trial, metrics)
        except Exception:
            for trial in open_trials.values():
                tell(trial, None)
            raise

    def _tell(
        self,
        job: _Job,
        run_dir: Path | None,
        summary: Mapping[str, Any],
        metrics: Sequence[str],
    ) -> None:
        from losslab.training.journal import read_curves
        from losslab.training.tracker import JOURNAL

        trial = job.trial
        if run_dir is None or summary["status"] != "FINISHED":
            tell(trial, None)
            return
        trial.set_user_attr("run", run_dir.name)
        curves = read_curves(run_dir / JOURNAL)
        if self.options.pruner is not None:  # what a run has said elsewhere, or before
            hear = gives_up(trial)
            _, values = curves.get(summary["monitor"], ((), ()))
            for epoch, value in enumerate(values, 1):
                hear(epoch, value)
        if summary.get("pruned"):
            tell(trial, None, pruned=True)
        else:
            tell(trial, [value_of(name, summary, curves) for name in metrics])

    def _compose(self, overrides: Sequence[str]) -> dict[str, Any]:
        """The configuration of a job, as the launcher will make it."""
        from losslab.cli.compose import plain

        loader = self.hydra_context.config_loader
        config = loader.load_sweep_config(self.config, list(overrides))
        HydraConfig.instance().set_config(config)  # for what refers to it
        with open_dict(config):
            del config["hydra"]
        values: dict[str, Any] = plain(config)
        return values


def _need_optuna() -> None:
    try:
        import optuna  # noqa: F401  # it is only looked for
    except ImportError:
        raise UserError(
            "hydra/sweeper=optuna needs Optuna: pip install 'losslab[optuna]'"
        ) from None


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _ended(study: "Study") -> int:
    return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))


def _ask(study: "Study", space: "dict[str, BaseDistribution]") -> "Trial":
    try:
        return study.ask(space)
    except ValueError as error:
        raise UserError(
            f"study {study.study_name} can't go on with this search: {error}. "
            "Give another hydra.sweeper.study_name"
        ) from error
