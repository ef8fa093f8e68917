"""An Optuna study that a sweep's process and those of its jobs can all open."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from losslab.errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from optuna import Study, Trial
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

    from losslab.training.pruning import GivesUp

IDENTITY = "identity"  # of a trial's run: the hash of its configuration
SWEEP = "sweep"  # the directory in which a trial is run
_SAMPLERS = {
    "cmaes": "CmaEsSampler",
    "gp": "GPSampler",
    "nsgaii": "NSGAIISampler",
    "random": "RandomSampler",
    "tpe": "TPESampler",
}
_PRUNERS = {
    "hyperband": "HyperbandPruner",
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "successive_halving": "SuccessiveHalvingPruner",
}


@dataclass(frozen=True)
class Pruner:
    """When a trial is given up.

    Args:
        name: median, percentile, successive_halving or hyperband; None lets all trials end.
        options: of Optuna's class of that name.
    """

    name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, epochs: int) -> "BasePruner":
        """Optuna's pruner, for runs of so many epochs.

        Raises:
            UserError: it has no such option.
        """
        if self.name is None:
            from optuna.pruners import NopPruner

            return NopPruner()
        options = dict(self.options)
        # Left to themselves these two would prune nothing before a first trial is complete.
        if self.name == "hyperband":
            options.setdefault("max_resource", epochs)
        elif self.name == "successive_halving":
            options.setdefault("min_resource", 1)
        pruner: BasePruner = _build("pruner", _PRUNERS, self.name, options)
        return pruner


def build_sampler(name: str, options: Mapping[str, Any], seed: int | None) -> "BaseSampler":
    """Optuna's sampler of that name.

    Raises:
        UserError: it has no such option, or it needs a package that is not here.
    """
    if name == "cmaes" and find_spec(name) is None:
        raise UserError("hydra.sweeper.sampler=cmaes needs its package: pip install cmaes")
    sampler: BaseSampler = _build("sampler", _SAMPLERS, name, {"seed": seed, **options})
    return sampler


def check_names(sampler: str, pruner: str | None) -> None:
    """See that they are some.

    Raises:
        UserError: there is none of that name.
    """
    for kind, known, name in (("sampler", _SAMPLERS, sampler), ("pruner", _PRUNERS, pruner)):
        if name is not None and name not in known:
            from losslab.data.messages import did_you_mean

            hint = did_you_mean(name, known)
            raise UserError(
                f"unknown hydra.sweeper.{kind}={name}.{hint} There are: {', '.join(known)}"
            )


def _build(kind: str, known: Mapping[str, str], name: str, options: Mapping[str, Any]) -> Any:
    import optuna

    try:
        return getattr(getattr(optuna, f"{kind}s"), known[name])(**options)
    except (TypeError, ValueError) as error:
        raise UserError(f"hydra.sweeper.{kind}_options: {error}") from error


def gives_up(trial: "Trial") -> "GivesUp":
    """What tells the study of each of the trial's epochs, and asks whether to go on."""
    reported = set(trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values)

    def ask(epoch: int, value: float) -> bool:
        if epoch not in reported:  # a run that is continued may repeat some
            trial.report(value, epoch)
            reported.add(epoch)
        return bool(trial.should_prune())

    return ask


@dataclass(frozen=True)
class WatchedTask:
    """A job's task that knows, in whichever process, which trial of which study it is.

    Args:
        task: what the job does.
        storage: where the study is kept.
        study: its name.
        pruner: says when to give up.
    """

    task: Any
    storage: str
    study: str
    pruner: Pruner

    def __call__(self, config: "DictConfig") -> Any:
        """Run the job, and ask the study after each of its epochs."""
        from losslab.cli.compose import plain
        from losslab.training.pruning import is_watched, watching
        from losslab.training.sweeps import identity

        key = identity(plain(config))
        if is_watched(key):  # this is the process that asked for the trial
            return self.task(config)
        trial = self._trial(key, config.trainer.epochs)
        with watching({key: gives_up(trial)} if trial is not None else {}):
            return self.task(config)

    def _trial(self, key: str, epochs: int) -> "Trial | None":
        """The trial that is this job's."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.load_study(
            study_name=self.study,
            storage=self.storage,
            sampler=optuna.samplers.RandomSampler(),  # it is not asked
            pruner=self.pruner.build(epochs),
        )
        return next(iter(running(study, {IDENTITY: key})), None)


def running(study: "Study", marks: Mapping[str, Any]) -> "list[Trial]":
    """The trials that were begun and have not ended, and that are marked so."""
    from optuna import Trial
    from optuna.trial import TrialState

    return [
        Trial(study, frozen._trial_id)
        for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if all(frozen.user_attrs.get(name) == value for name, value in marks.items())
    ]


def tell(trial: "Trial", values: list[float] | None, *, pruned: bool = False) -> None:
    """End a trial: complete with its values, pruned, or else failed."""
    from optuna.trial import TrialState

    if pruned:
        trial.study.tell(trial, state=TrialState.PRUNED)
    elif values is None or not all(math.isfinite(value) for value in values):
        trial.study.tell(trial, state=TrialState.FAIL)
    else:
        trial.study.tell(trial, values)
