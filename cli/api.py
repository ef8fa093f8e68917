"""The command line as Python functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    from ..analysis.attribution import Attribution
    from ..analysis.check import Report
    from ..analysis.compare import Comparison
    from ..analysis.curvature import Curvature
    from ..analysis.trace import Trace
    from ..training.run import Result


def train(overrides: list[str] | None = None, *, config_dir: str | None = None) -> "Result":
    """Train one model, as `losslab train OVERRIDES…` does, and return what it came to.

    Args:
        overrides: as on the command line, `["loss=dice", "model=unet"]`.
        config_dir: a folder with more configuration groups.

    Raises:
        UserError: a mistake in the overrides or the data; the text says what to do.
    """
    from ..training.run import run
    from ..training.runs import RUNS_DIR
    from .compose import compose_config, plain, run_name
    from .errors import explain_hydra

    overrides = overrides or []
    try:
        config = compose_config(overrides, config_dir)
        values = plain(config)
    except Exception as error:
        text = explain_hydra(error, overrides)
        if text is None:
            raise
        raise UserError(text) from error
    model = values["model"]["_target_"].rpartition(".")[2].lower()
    run_dir = RUNS_DIR / run_name(values["name"], list(values["loss"] or ()), model)
    run_dir.mkdir(parents=True)
    try:
        return run(values, run_dir)
    finally:
        if run_dir.is_dir() and not any(run_dir.iterdir()):
            run_dir.rmdir()  # nothing came of it


def attribute(what: str | Sequence[str] = "last", **options: Any) -> "Attribution":
    """Tell which parts of its input an answer comes from, as `losslab attribute` does.

    Args:
        what: a run, by name, prefix, directory or `last`; or overrides, as on the command line.
        **options: of `losslab.analysis.attribution.Asked`: of, chosen, split, samples, steps,
            baseline and checkpoint.

    Returns:
        Its `maps`, by method, `[samples, ...]` as the input; the `values` attributed; and what
        checks them: `integrated`, with the completeness error, `agreement` and `sanity`.

    Raises:
        UserError: a mistake in the words or options; the text says what to do.
    """
    from .attribute import ask, attributed

    return attributed(_several(what), ask(**options))[0]


def check(
    loss: "Callable[..., Any] | str | Sequence[str]",
    options: Mapping[str, Any] | None = None,
    *,
    target: str | None = None,
) -> "list[Report]":
    """Find out why a loss will not learn, as `losslab check` does.

    Args:
        loss: a function of named tensors or a loss module; else what stands on the command line, a
            loss (`"dice"`), `"FILE.py:FUNCTION"`, or overrides (`["loss=bce", "model=mlp"]`).
        options: the options of a function or module.
        target: the kind of target to judge it for, `binary`, `classes`, `mask`, `real`, …; None
            takes what suits it best.

    Returns:
        One report for each loss; of overrides, one of the whole first.

    Raises:
        UserError: nothing has that name, or it can't be called; the text says what to do.
    """
    if callable(loss):
        from ..analysis.check import check_function

        return [check_function(loss, options, layout=target)]
    if options:
        raise UserError(
            "options are for a function; those of a loss by name stand behind it: "
            "['focal', 'gamma=0.5']"
        )
    from .check import reports_of

    return reports_of([loss] if isinstance(loss, str) else list(loss), target)


def compare(
    runs: str | Sequence[str] = "last",
    *,
    by: str | Sequence[str] = (),
    metric: str | None = None,
    baseline: str | None = None,
    filters: str | Sequence[str] = (),
    interval: str = "t",
    experiment: str | None = None,
    uri: str | None = None,
) -> "Comparison":
    """Compare what runs came to, as `losslab compare` does.

    Args:
        runs: sweeps and runs, by name, prefix, directory or pattern; `last` is the latest sweep.
        by: the keys to group by, `"optimizer.lr"` or several; none takes all that vary but seeds.
        metric: what to compare by; None takes what the runs monitor, on the test data.
        baseline: the group that the others are tested against, by its name or label.
        filters: `"KEY=VALUE"`, what a run must hold to be compared.
        interval: `t` or `bootstrap`.
        experiment: compare the runs of this MLflow experiment, not those on disk.
        uri: the MLflow store that holds it.

    Returns:
        The comparison. Its `groups` stand best first; each has its `name`, the `values` of its
        `runs`, their `mean`, `deviation` and 95 % `interval`, whether it is `best`, and against a
        baseline the paired test, `versus`, with its corrected `p`.

    Raises:
        UserError: the runs can't be compared; the text says why.
    """
    from .compare import Asked, comparison_of

    return comparison_of(
        Asked(
            words=_several(runs),
            by=_several(by),
            metric=metric,
            baseline=baseline,
            filters=_several(filters),
            interval=interval,
            experiment=experiment,
            uri=uri,
        )
    )


def curvature(
    what: str | Sequence[str] = "last", *, checkpoint: str = "best", **options: Any
) -> "Curvature":
    """Measure how the loss curves, as `losslab curvature` does.

    Args:
        what: a run, by name, prefix, directory or `last`; or overrides, as on the command line.
        checkpoint: of the run, `best` or `last`.
        **options: of `losslab.analysis.curvature.Asked`: split, samples, top, method, double, slice
            and effort.

    Returns:
        Its `spectra`, of the Hessian of the total and each term and of the Gauss–Newton matrix,
        each with `top`, `lowest`, `trace` and `density`; and the `landscape`, if one was asked for.

    Raises:
        UserError: a mistake in the words or options; the text says what to do.
    """
    from .curvature import ask, measured

    return measured(_several(what), ask(**options), checkpoint)[0]


def trace(overrides: list[str], *, steps: int | None = None) -> "Trace":
    """Follow a tiny run number by number, as `losslab trace` does.

    Args:
        overrides: as on the command line, `["experiment=two_layer_step"]`.
        steps: updates to make; None for as many as the configuration says, 1 as a rule.

    Returns:
        Its forward pass, `values` and `terms`, and where its steps lead, `points`, the first of
        which stands before the first step; each has its `loss`, `weights` and `gradients`.

    Raises:
        UserError: a mistake in the overrides, or too many numbers to be read.
    """
    from .trace import traced

    return traced(overrides, steps, beside=())[0].trace


def _several(words: str | Sequence[str]) -> list[str]:
    return [words] if isinstance(words, str) else list(words)
