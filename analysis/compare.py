"""Runs compared: groups by what they differ in, their means, and what differs beyond luck.

Everything here is computed from runs that are already collected; see `collect` for those on disk
and `from_mlflow` for those in a store.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from ..errors import UserError
from ..training.metrics_mode import mode_of
from .collect import RunData, Selection, in_short
from .comparable import choose_metric, data_differ, no_result
from .statistics import IntervalKind, Paired, holm, interval, paired_test
from .varying import (
    MISSING,
    SPLIT_SEED,
    find_key,
    identity,
    labels,
    matches,
    same_run,
    short_keys,
    value_at,
    varying,
)


@dataclass(frozen=True)
class Group:
    """Runs that are alike but for their seeds.

    Args:
        labels: its value of each factor.
        name: the same in words, `lr=0.01, loss=bce`.
        runs: those that count: finished, with a finite value; in the order of their seeds.
        values: theirs of the metric.
        of: runs in all, with those that did not finish.
        lost: those that do not count.
        interval: the 95 % interval of the mean; None for fewer than two values.
        best: whether no group's mean is better.
        versus: the paired test against the baseline; None without a baseline, and of itself.
        p: of that test, corrected for the number of groups tested.
    """

    labels: tuple[str, ...]
    name: str
    runs: Sequence[RunData]
    values: Sequence[float]
    of: int
    lost: Sequence[RunData] = ()
    interval: tuple[float, float] | None = None
    best: bool = False
    versus: Paired | None = None
    p: float | None = None

    @property
    def mean(self) -> float:
        """Of the values; NaN if there is none."""
        return math.fsum(self.values) / len(self.values) if self.values else math.nan

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the runs, with n − 1."""
        if len(self.values) < 2:
            return None
        squares = math.fsum((value - self.mean) ** 2 for value in self.values)
        return math.sqrt(squares / (len(self.values) - 1))


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Args:
        title: what was compared.
        metric: the metric, `test/f1`.
        mode: `max` or `min`, the better direction.
        interval: how the intervals were made.
        keys: the factors, `optimizer.lr`.
        factors: the same in short, `lr`.
        groups: best first; where they are not ranked, in the order of their labels.
        unranked: why the groups can't be ranked; empty if they are.
        baseline: the name of the group that the others are tested against.
        left_out: runs that do not count: name, state and why.
        notes: what a reader should know of the comparison.
    """

    title: str
    metric: str
    mode: str
    interval: IntervalKind
    keys: Sequence[str]
    factors: Sequence[str]
    groups: Sequence[Group]
    unranked: str = ""
    baseline: str | None = None
    left_out: Sequence[tuple[str, str, str]] = ()
    notes: Sequence[str] = ()


def compare(
    selection: Selection,
    *,
    by: Sequence[str] = (),
    metric: str | None = None,
    baseline: str | None = None,
    filters: Sequence[str] = (),
    interval_kind: IntervalKind = "t",
) -> Comparison:
    """Group the runs by what varies, and say what each group came to.

    Args:
        selection: the runs.
        by: the keys to group by; none takes all in which the runs differ, but for seeds.
        metric: what to compare them by; None takes the metric they monitor, on the test data.
        baseline: the group against which the others are tested, by its name or label.
        filters: `KEY=VALUE`, what a run's configuration must hold to be compared.
        interval_kind: `t` or `bootstrap`, see `interval`.

    Raises:
        UserError: the runs can't be compared; the text says what differs.
    """
    runs = filtered(selection.runs, filters)
    if not runs:
        raise UserError(f"{selection.title} holds no runs that have begun{_why(selection)}")
    configs = [run.config for run in runs]
    keys = list(dict.fromkeys(_group_key(key, configs) for key in by)) or _factors(configs)
    runs, left_out = _without_repeats(runs)
    finished = [run for run in runs if run.status == "FINISHED"]
    left_out = [
        (run.name, run.status, run.reason) for run in runs if run not in finished
    ] + left_out
    left_out += [(job, "FAILED", error) for job, error in selection.unborn]
    if not finished:
        states = ", ".join(f"{name} is {status}" for name, status, _ in left_out[:5])
        raise UserError(f"none of the {len(runs)} runs of {selection.title} has finished: {states}")
    notes = list(selection.notes)
    unranked = data_differ(finished, keys if by else ())
    chosen = choose_metric(metric, finished)
    unranked = unranked or no_result(chosen, finished)
    groups, invalid = _grouped(runs, keys, chosen)
    left_out += invalid
    groups = [replace(group, interval=interval(group.values, interval_kind)) for group in groups]
    mode = mode_of(chosen)
    if not unranked:
        groups = _ranked(groups, mode)
    base = None
    if baseline is not None:
        base = _baseline(baseline, groups, keys)
        if unranked:
            raise UserError(f"--baseline {baseline}: {unranked}")
        groups = _tested(groups, base, _others(configs, keys))
    notes += _mixed(configs, keys, groups)
    return Comparison(
        selection.title,
        chosen,
        mode,
        interval_kind,
        keys,
        short_keys(keys),
        groups,
        unranked,
        base.name if base else None,
        left_out,
        notes,
    )


def _why(selection: Selection) -> str:
    jobs = [f"{job} ({error})" for job, error in selection.unborn]
    return f": {in_short(jobs, 2)}" if jobs else ""


def filtered(
    runs: Sequence[RunData], filters: Sequence[str], flag: str = "--filter"
) -> list[RunData]:
    """The runs whose configuration holds every `KEY=VALUE`; a VALUE may be several, `a,b`.

    Args:
        runs: to choose from.
        filters: each `KEY=VALUE`.
        flag: what asks, for the errors.

    Raises:
        UserError: a filter that is none, or leaves nothing.
    """
    kept = list(runs)
    for text in filters:
        key, equals, value = text.partition("=")
        asked_for = f"{flag} {text}".strip()
        if not equals or not key or not value:
            raise UserError(f"{asked_for}: expected KEY=VALUE, such as optimizer.lr=0.01")
        if not kept:
            return []
        configs = [run.config for run in kept]
        key = find_key(key, configs, flag)
        found = labels(key, configs)
        asked = [value, *value.split(",")]
        left = [
            run
            for run, label in zip(kept, found, strict=True)
            if any(matches(a, label) for a in asked)
        ]
        if not left:
            there = in_short(sorted(set(found)), 8)
            raise UserError(f"{asked_for} leaves no run: {key} is {there}")
        kept = left
    return kept


def _group_key(asked: str, configs: Sequence[Mapping[str, object]]) -> str:
    key = find_key(asked, configs, "--by")
    if key in ("seed", SPLIT_SEED):
        raise UserError(
            f"--by {asked}: runs that differ in {key} are repetitions of one group, not groups. "
            "--json lists the value of every run"
        )
    return key


def _factors(configs: Sequence[Mapping[str, object]]) -> list[str]:
    """What varies; a key only where it tells more than the keys before it."""
    keys: list[str] = []
    split: set[tuple[str, ...]] = set()
    for key in varying(configs):
        wider = set(zip(*(labels(k, configs) for k in [*keys, key]), strict=True))
        if len(wider) > len(split) or not keys:
            keys, split = [*keys, key], wider
    return keys


def _without_repeats(
    runs: Sequence[RunData],
) -> tuple[list[RunData], list[tuple[str, str, str]]]:
    """One run of every configuration, seed included: the latest; of those that finished, if any."""
    kept: dict[str, RunData] = {}
    repeats = []
    for run in sorted(runs, key=lambda run: (run.status == "FINISHED", run.started)):
        before = kept.pop(same_run(run.config), None)
        if before is not None:
            why = f"the same configuration and seed as {run.name}"
            repeats.append((before.name, "REPEATED", why))
        kept[same_run(run.config)] = run
    return [run for run in runs if run in kept.values()], repeats


def _grouped(
    runs: Sequence[RunData], keys: Sequence[str], metric: str
) -> tuple[list[Group], list[tuple[str, str, str]]]:
    """The groups, and the finished runs whose value is not finite."""
    configs = [run.config for run in runs]
    columns = [labels(key, configs) for key in keys]
    members: dict[tuple[str, ...], list[RunData]] = {}
    for index, run in enumerate(runs):
        members.setdefault(tuple(column[index] for column in columns), []).append(run)
    groups, invalid = [], []
    for group_labels, those in members.items():
        counted = []
        for run in sorted(those, key=_seeds):
            value = run.value(metric) if run.status == "FINISHED" else None
            if value is not None and math.isfinite(value):
                counted.append((run, value))
            elif value is not None:
                invalid.append((run.name, "FINISHED", f"{metric} is {value}"))
        pairs = zip(short_keys(keys), group_labels, strict=True)
        name = ", ".join(f"{key}={label}" for key, label in pairs) or "all runs"
        values = [value for _, value in counted]
        kept = [run for run, _ in counted]
        lost = [run for run in those if run not in kept]
        groups.append(Group(group_labels, name, kept, values, len(those), lost))
    return sorted(groups, key=lambda group: [_natural(label) for label in group.labels]), invalid


def _natural(label: str) -> tuple[int, float, str]:
    """Numbers by their value, before words."""
    try:
        return 0, float(label), ""
    except ValueError:
        return 1, 0.0, label


def _seeds(run: RunData) -> tuple[float, float]:
    """What makes a run a repetition: the seeds of training and of the split."""
    found = (value_at(run.config, key) for key in ("seed", SPLIT_SEED))
    seed, split = (float(v) if isinstance(v, (int, float)) else 0.0 for v in found)
    return seed, split


def _ranked(groups: Sequence[Group], mode: str) -> list[Group]:
    """Best mean first, and the best marked, if there is more than one to choose from."""
    sign = -1 if mode == "max" else 1
    with_values = [group for group in groups if group.values]
    best = min((sign * group.mean for group in with_values), default=math.nan)
    marked = [
        replace(group, best=len(groups) > 1 and bool(group.values) and sign * group.mean == best)
        for group in groups
    ]
    return sorted(marked, key=lambda group: sign * group.mean if group.values else math.inf)


def _baseline(asked: str, groups: Sequence[Group], keys: Sequence[str]) -> Group:
    """The group that was asked for: by its name, its labels, or `KEY=VALUE,…`."""
    found = [group for group in groups if group.name == asked]
    found = found or [group for group in groups if _is_called(asked, group, keys)]
    if len(found) == 1:
        return found[0]
    names = [group.name for group in groups]
    plain = {label: group.name for group in groups for label in group.labels}
    near = get_close_matches(asked, [*names, *plain], n=1)
    hint = f" Did you mean '{plain.get(near[0], near[0])}'?" if near and not found else ""
    which = f"is any of {len(found)} groups." if found else "is none of the groups."
    listed = "; ".join(group.name for group in (found or groups)[:8])
    raise UserError(f"--baseline {asked} {which}{hint} There are: {listed}")


def _is_called(asked: str, group: Group, keys: Sequence[str]) -> bool:
    """Whether every part of the text is a label of the group."""
    if len(group.labels) == 1 and matches(asked.partition("=")[2] or asked, group.labels[0]):
        key = asked.partition("=")[0] if "=" in asked else keys[0]
        return keys[0] == key or keys[0].endswith(f".{key}")
    for part in asked.split(","):
        key, equals, value = part.strip().rpartition("=")
        if not any(
            matches(value, label) and (not equals or own == key or own.endswith(f".{key}"))
            for own, label in zip(keys, group.labels, strict=True)
        ):
            return False
    return bool(keys)


def _others(configs: Sequence[Mapping[str, object]], keys: Sequence[str]) -> list[str]:
    """What else varies, in every run: pairs must agree in it."""
    return [
        key
        for key in varying(configs)
        if key not in keys and all(value_at(config, key) is not MISSING for config in configs)
    ]


def _tested(groups: Sequence[Group], base: Group, others: Sequence[str]) -> list[Group]:
    """Every other group against the baseline; p corrected for all the tests that could be made."""
    reference = _by_seed(base, others)
    tested: dict[str, Paired] = {}
    for group in groups:
        if group.name == base.name:
            continue
        own = _by_seed(group, others)
        shared = sorted(own.keys() & reference.keys())
        differences: dict[tuple[float, float], list[tuple[float, float]]] = {}
        for seeds, setting in shared:
            pair = (own[seeds, setting], reference[seeds, setting])
            differences.setdefault(seeds, []).append(pair)
        means = [
            [math.fsum(side) / len(side) for side in zip(*p, strict=True)]
            for p in differences.values()
        ]
        tested[group.name] = paired_test([m[0] for m in means], [m[1] for m in means])
    corrected = holm([test.p for test in tested.values() if test.p is not None])
    p_of = dict(zip([n for n, t in tested.items() if t.p is not None], corrected, strict=True))
    return [
        replace(group, versus=tested.get(group.name), p=p_of.get(group.name)) for group in groups
    ]


def _by_seed(
    group: Group, others: Sequence[str]
) -> dict[tuple[tuple[float, float], tuple[str, ...]], float]:
    """The mean value of each seed in each setting of what else varies."""
    found: dict[tuple[tuple[float, float], tuple[str, ...]], list[float]] = {}
    for run, value in zip(group.runs, group.values, strict=True):
        setting = tuple(identity(value_at(run.config, key)) for key in others)
        found.setdefault((_seeds(run), setting), []).append(value)
    return {key: math.fsum(values) / len(values) for key, values in found.items()}


def _mixed(
    configs: Sequence[Mapping[str, object]], keys: Sequence[str], groups: Sequence[Group]
) -> list[str]:
    """Say what else varies within the groups, and where nothing could be tested."""
    notes = []
    mixed = [
        key
        for key in varying(configs)
        if key not in keys
        and any(len(set(labels(key, [r.config for r in g.runs]))) > 1 for g in groups)
    ]
    if mixed:
        notes.append(
            f"the runs of a group differ in {', '.join(mixed)} too; their spread is in the interval"
        )
    along = [key for key in varying(configs) if key not in keys and key not in mixed]
    if along and keys:
        notes.append(
            f"{', '.join(along)} {'change' if len(along) > 1 else 'changes'} along with "
            f"{', '.join(keys)}: which of them makes a difference can't be told from these runs"
        )
    untested = [group for group in groups if group.versus and group.versus.p is None]
    if untested:
        told = [f"{group.name} ({group.versus.why_not})" for group in untested if group.versus]
        notes.append(f"no test against the baseline is possible for {in_short(told, 8)}")
    for group in groups:
        lost = group.of - len(group.values)
        if group.best and lost:
            notes.append(
                f"{group.name} is best among runs that came to a value; {lost} of its {group.of} "
                "did not"
            )
        if group.best and len(group.values) == 1 and any(len(g.values) > 1 for g in groups):
            notes.append(f"{group.name} is best by one run only")
    if len(groups) > 1 and all(len(group.values) < 2 for group in groups):
        notes.append("one run says nothing of luck: repeat with -m seed=1,2,3,4,5")
    return notes
