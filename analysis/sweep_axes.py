"""A thing that varies in a sweep, as an axis: in what order its values stand, and where."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .collect import RunData
from .compare import Comparison
from .varying import MISSING, Config, labels, replicates, short_keys, value_at, varying

_MOST_CHOICES = 12  # more different numbers than that are a range, not a choice
_DECADES = 100.0  # from this ratio on, a range is drawn logarithmic
_BINS = 5  # into which a range is cut to see what it explains
_MISSING = 0.1  # of an axis' length, at its foot, is left to runs that have no such value


class Outcome(NamedTuple):
    """What a run came to: its value, None for none; and the index of its group."""

    run: RunData
    value: float | None
    group: int


@dataclass(frozen=True)
class Scale:
    """Where the numbers of a range stand between 0 and 1."""

    low: float
    high: float
    log: bool

    def __call__(self, value: float) -> float:
        """The number's place."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return (at - low) / (high - low) if high > low else 0.5

    def ticks(self) -> list[float]:
        """A few round numbers within the range."""
        from matplotlib.ticker import LogLocator, MaxNLocator

        near = self.log and self.high < 50 * self.low
        locator = LogLocator(subs=(1, 2, 5) if near else (1,)) if self.log else MaxNLocator(5)
        ticks = [float(tick) for tick in locator.tick_values(self.low, self.high)]
        return [tick for tick in ticks if self.low <= tick <= self.high] or sorted(
            {self.low, self.high}
        )


def scale_of(numbers: Sequence[float], name: str = "") -> Scale:
    """From the least to the greatest, logarithmic for a learning rate and what spans decades.

    >>> scale_of([1e-4, 1e-1]).log, scale_of([0.0, 100.0]).log, scale_of([1e-3, 2e-3], "lr").log
    (True, False, True)
    """
    low, high = min(numbers), max(numbers)
    rate = name.rpartition(".")[2] in ("lr", "weight_decay")
    return Scale(low, high, low > 0 and (rate or high >= _DECADES * low))


@dataclass(frozen=True)
class Axis:
    """A thing that varies.

    Args:
        name: of it, in short.
        values: each run's, in words.
        levels: the different values, in order.
        numbers: each run's value, where it is one of many numbers, a range; else empty.
        scale: of the range; None for a choice of a few values.
    """

    name: str
    values: Sequence[str]
    levels: Sequence[str]
    numbers: Sequence[float | None] = ()
    scale: Scale | None = None

    def places(self) -> list[float]:
        """Where each run stands on it, between 0 and 1: the values of a choice evenly."""
        if self.scale is None:
            return [self._level(value) for value in self.values]
        foot = _MISSING if None in self.numbers else 0.0
        return [0.0 if n is None else foot + (1 - foot) * self.scale(n) for n in self.numbers]

    def ticks(self) -> dict[float, str]:
        """What stands where."""
        if self.scale is None:
            return {self._level(level): level for level in self.levels}
        foot = _MISSING if None in self.numbers else 0.0
        missing = {0.0: "–"} if foot else {}
        scaled = {foot + (1 - foot) * self.scale(t): f"{t:g}" for t in self.scale.ticks()}
        return {**missing, **scaled}

    def _level(self, value: str) -> float:
        last = len(self.levels) - 1
        return self.levels.index(value) / last if last else 0.5


def outcomes(comparison: Comparison) -> list[Outcome]:
    """Every run of the comparison, those without a value last."""
    numbered = list(enumerate(comparison.groups))
    counted = [
        Outcome(run, value, index)
        for index, group in numbered
        for run, value in zip(group.runs, group.values, strict=True)
    ]
    return counted + [Outcome(run, None, index) for index, group in numbered for run in group.lost]


def axes_of(comparison: Comparison) -> list[Axis]:
    """What varies, most important first; the seeds too where that is fewer than two things."""
    runs = outcomes(comparison)
    configs = [outcome.run.config for outcome in runs]
    keys = list(comparison.keys)
    # In a search any one range tells all runs apart, so the groups go by one of them only.
    ranges = [key for key in varying(configs) if key not in keys and _axis(key, key, configs).scale]
    keys += ranges
    axes = [_axis(key, name, configs) for key, name in zip(keys, short_keys(keys), strict=True)]
    axes.sort(key=lambda axis: _explained(axis, runs), reverse=True)
    if len(axes) < 2:
        seeds = replicates(configs)[: 2 - len(axes)]
        axes += [_axis(key, key, configs, choice=True) for key in seeds]
    return axes


def _axis(key: str, name: str, configs: Sequence[Config], *, choice: bool = False) -> Axis:
    values = labels(key, configs)
    nodes = [value_at(config, key) for config in configs]
    order = {value: _order(node, value) for value, node in zip(values, nodes, strict=True)}
    levels = sorted(order, key=lambda level: order[level])
    numbers = [float(node) if _is_number(node) else None for node in nodes]
    found = [number for number in numbers if number is not None]
    only_numbers = all(_is_number(node) or node is MISSING or node is None for node in nodes)
    if choice or not only_numbers or len(set(found)) <= _MOST_CHOICES:
        return Axis(name, values, levels)
    return Axis(name, values, levels, numbers, scale_of(found, name))


def _is_number(node: object) -> bool:
    return isinstance(node, (int, float)) and not isinstance(node, bool)


def _order(node: object, label: str) -> tuple[int, list[float], str]:
    """Numbers and lists of them by value, before words; what a run does not have is last."""
    if isinstance(node, (int, float)):
        return 0, [float(node)], ""
    if isinstance(node, (list, tuple)) and all(_is_number(item) for item in node):
        return 0, [float(item) for item in node], ""
    return (2 if node is MISSING else 1), [], label


def _explained(axis: Axis, runs: Sequence[Outcome]) -> float:
    """How much of the spread of the runs' ranks lies between the axis' values, eta squared."""
    counted = [(i, each.value) for i, each in enumerate(runs) if each.value is not None]
    order = sorted(range(len(counted)), key=lambda i: counted[i][1])
    places = axis.places()
    bins: dict[object, list[float]] = {}
    for rank, i in enumerate(order):
        run = counted[i][0]
        level = axis.values[run] if axis.scale is None else min(int(places[run] * _BINS), _BINS - 1)
        bins.setdefault(level, []).append(rank - (len(order) - 1) / 2)
    total = math.fsum(rank**2 for ranks in bins.values() for rank in ranks)
    between = math.fsum(math.fsum(ranks) ** 2 / len(ranks) for ranks in bins.values())
    return between / total if total else 0.0
