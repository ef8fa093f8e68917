"""A comparison in words and cells: the same for the terminal, the report, CSV and JSON."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from .collect import STALE
from .compare import Comparison, Group

SIGNIFICANT = 0.05
_STATES = {
    "FAILED": "failed",
    "KILLED": "killed",
    "RUNNING": "still running",
    STALE: "stale (says RUNNING, but its process has gone)",
    "PRUNED": "pruned",
    "REPEATED": "repeated",
    "FINISHED": "without a finite value",
}


def decimals(comparison: Comparison) -> int:
    """Digits after the point with which the table tells the groups apart."""
    spreads = [g.deviation for g in comparison.groups if g.deviation]
    if not spreads:
        means = sorted({g.mean for g in comparison.groups if g.values})
        spreads = [b - a for a, b in pairwise(means)]
        spreads = spreads or [abs(mean) for mean in means if mean] or [1.0]
    return max(0, min(8, 1 - math.floor(math.log10(sorted(spreads)[len(spreads) // 2]))))


def columns(comparison: Comparison) -> list[str]:
    """The titles of the columns behind the group's."""
    titles = ["n", comparison.metric, "95 % interval"]
    if comparison.baseline is not None:
        titles += ["change", "p", "d"]
    return [*titles, ""]


def cells(comparison: Comparison, group: Group, digits: int) -> list[str]:
    """A row of the table, behind the group's name or labels."""
    n = len(group.values)
    row = [str(n) if n == group.of else f"{n} of {group.of}"]
    row.append(f"{group.mean:.{digits}f}" if group.values else "–")
    row.append("–")
    if group.interval is not None:
        low, high = group.interval
        row[-1] = f"{low:.{digits}f} … {high:.{digits}f}"
    if comparison.baseline is not None:
        row += _test_cells(comparison, group, digits)
    return [*row, verdict(comparison, group)]


def _test_cells(comparison: Comparison, group: Group, digits: int) -> list[str]:
    if group.name == comparison.baseline:
        return ["", "", ""]
    test = group.versus
    if test is None or not test.n:
        return ["–", "no test", ""]
    difference = f"{test.difference:+.{digits}f}"
    if group.p is None or test.effect is None:
        return [difference, "no test", ""]
    return [difference, p_value(group.p), f"{test.effect:+.2f}"]


def p_value(p: float) -> str:
    """Three digits, and no more than can be trusted.

    >>> p_value(0.0312), p_value(0.00002)
    ('0.031', '<0.001')
    """
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def verdict(comparison: Comparison, group: Group) -> str:
    """`best`, `baseline`, and whether the test says better or worse than the baseline."""
    words = ["best"] if group.best else []
    if group.name == comparison.baseline:
        words.append("baseline")
    if group.p is not None and group.versus is not None and group.p < SIGNIFICANT:
        up = group.versus.difference > 0
        words.append("better" if up == (comparison.mode == "max") else "worse")
    return ", ".join(words)


def method(comparison: Comparison) -> list[str]:
    """How the numbers were made."""
    direction = "higher" if comparison.mode == "max" else "lower"
    kind = "BCa bootstrap, 9,999 resamples" if comparison.interval == "bootstrap" else "Student's t"
    told = [f"95 % interval of the mean over the runs of a group: {kind}"]
    told.append(
        f"not ranked: {comparison.unranked}"
        if comparison.unranked
        else f"{direction} is better; best is by the mean"
    )
    if comparison.baseline is not None:
        seeds = [g.versus.n for g in comparison.groups if g.versus and g.versus.p is not None]
        if seeds:
            shared = "–".join(str(n) for n in sorted({min(seeds), max(seeds)}))
            corrected = f", p corrected for {len(seeds)} tests (Holm)" if len(seeds) > 1 else ""
            told.append(
                f"against {comparison.baseline}: paired t-test over {shared} shared "
                f"seeds{corrected}; d is the mean difference over its standard deviation"
            )
    return told


def left_out(comparison: Comparison, most: int = 6) -> list[str]:
    """The runs that do not count: how many of each state, their names and reasons."""
    lines = []
    for state, count in Counter(state for _, state, _ in comparison.left_out).items():
        those = [(name, why) for name, s, why in comparison.left_out if s == state]
        reasons = Counter(why for _, why in those)
        same = next(iter(reasons)) if len(reasons) == 1 else None
        shown = [
            name if same is not None or not why else f"{name} ({why})" for name, why in those[:most]
        ]
        more = f" and {count - most} more" if count > most else ""
        why = f" ({same})" if same else ""
        runs = "run" if count == 1 else "runs"
        lines.append(f"{count} {runs} {_STATES.get(state, state)}: {', '.join(shown)}{more}{why}")
    return lines


def as_data(comparison: Comparison) -> dict[str, Any]:
    """Everything, for `--json`; what has no value is null."""
    return {
        "title": comparison.title,
        "metric": comparison.metric,
        "mode": comparison.mode,
        "interval": {"kind": comparison.interval, "level": 0.95},
        "by": list(comparison.keys),
        "ranked": not comparison.unranked,
        "unranked": comparison.unranked or None,
        "baseline": comparison.baseline,
        "groups": [_group_data(comparison, group) for group in comparison.groups],
        "left_out": [
            {"run": name, "status": status, "reason": why}
            for name, status, why in comparison.left_out
        ],
        "notes": list(comparison.notes),
    }


def _group_data(comparison: Comparison, group: Group) -> dict[str, Any]:
    low, high = group.interval or (None, None)
    test = group.versus
    return {
        "group": group.name,
        "factors": dict(zip(comparison.keys, group.labels, strict=True)),
        "n": len(group.values),
        "of": group.of,
        "mean": group.mean if group.values else None,
        "std": group.deviation,
        "low": low,
        "high": high,
        "best": group.best,
        "versus_baseline": None
        if test is None
        else {
            "shared_seeds": test.n,
            "difference": _number(test.difference),
            "low": _number(test.low),
            "high": _number(test.high),
            "p": test.p,
            "p_holm": group.p,
            "d": test.effect,
            "no_test": test.why_not or None,
        },
        "runs": [
            {"run": run.name, "seed": run.config.get("seed"), "value": value}
            for run, value in zip(group.runs, group.values, strict=True)
        ],
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def as_rows(comparison: Comparison) -> list[Sequence[Any]]:
    """One row per group under a row of titles, for `--csv`."""
    titles = [*comparison.keys, "metric", "n", "of", "mean", "std", "low", "high", "best"]
    tested = ["shared_seeds", "difference", "difference_low", "difference_high", "p", "p_holm", "d"]
    titles += tested if comparison.baseline is not None else []
    rows: list[Sequence[Any]] = [titles]
    for group in comparison.groups:
        data = _group_data(comparison, group)
        row = [*group.labels, comparison.metric, data["n"], data["of"]]
        row += [data[name] for name in ("mean", "std", "low", "high")]
        row.append(int(group.best))
        if comparison.baseline is not None:
            test = data["versus_baseline"] or {}
            names = ("shared_seeds", "difference", "low", "high", "p", "p_holm", "d")
            row += [test.get(name) for name in names]
        rows.append(["" if cell is None else cell for cell in row])
    return rows
