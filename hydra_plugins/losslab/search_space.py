"""The space that a search looks through, as it is written on the command line.

optimizer.lr=tag(log,interval(1e-4,1e-1))    a real number, searched by its logarithm
model.width=int(interval(8,64))              a whole number, both ends included
model.depth=range(1,4)                       1, 2 or 3, as in Python
loss=dice,focal                              one of these; choice(dice,focal) is the same
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import (
    IntervalSweep,
    Override,
    QuotedString,
    RangeSweep,
    Transformer,
)

from losslab.errors import UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def split(overrides: Sequence[Override]) -> tuple[dict[str, "BaseDistribution"], list[str]]:
    """What is searched, by its key, and the overrides that all trials share.

    Raises:
        UserError: nothing is searched, or a range that can't be.
    """
    space: dict[str, BaseDistribution] = {}
    shared: list[str] = []
    for override in overrides:
        if override.is_sweep_override():
            space[override.get_key_element()] = _distribution(override)
        else:
            shared.append(str(override.input_line))
    if not space:
        raise UserError(
            "hydra/sweeper=optuna has nothing to search: give a range to at least one key, as in "
            "optimizer.lr=interval(1e-4,1e-1), model.width=range(8,64) or loss=dice,focal"
        )
    return space, shared


def words(parameters: Mapping[str, Any]) -> list[str]:
    """A point of the space as overrides.

    >>> words({"optimizer.lr": 0.01, "loss": "dice", "optimizer.nesterov": True})
    ['optimizer.lr=0.01', 'loss=dice', 'optimizer.nesterov=true']
    """
    return [f"{key}={_word(value)}" for key, value in parameters.items()]


def first_point(space: Mapping[str, Any]) -> dict[str, Any]:
    """A point of the space: of each key its first choice, or the lower end of its range."""
    return {
        key: distribution.choices[0] if hasattr(distribution, "choices") else distribution.low
        for key, distribution in space.items()
    }


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _distribution(override: Override) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution

    value = override.value()
    try:
        if isinstance(value, IntervalSweep):
            return _numbers(value.start, value.end, "log" in value.tags)
        if isinstance(value, RangeSweep):
            items = sorted(value.range())
            step = abs(value.step)
            return _numbers(items[0], items[-1], "log" in value.tags, step)
        choices: Iterator[Any] = override.sweep_iterator(_choice)
        return CategoricalDistribution(tuple(choices))
    except (ValueError, IndexError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is empty"
        raise UserError(f"{override.input_line} can't be searched: {reason}") from error


def _choice(value: Any) -> Any:
    """A choice as Optuna can keep it: what is no number or truth value is kept as it is written."""
    if isinstance(value, (QuotedString, list, dict)) or value is None:
        return Transformer.str(value)
    return value


def _numbers(low: Any, high: Any, log: bool, step: float | None = None) -> "BaseDistribution":
    from optuna.distributions import FloatDistribution, IntDistribution

    if all(isinstance(number, int) for number in (low, high, step or 1)):
        return IntDistribution(low, high, log=log, step=int(step or 1))
    return FloatDistribution(float(low), float(high), log=log, step=step)
