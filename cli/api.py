"""The command line as Python functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    from ..analysis.check import Report
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
