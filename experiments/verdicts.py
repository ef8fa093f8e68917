"""How a row's outcome is judged: by its runs' answers, by a comparison, or by what was printed."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Outcome:
    """What one command left behind.

    Args:
        command: what was run, behind `losslab`.
        runs: the directories of the runs and sweeps that it made.
        code: its exit code.
        text: what it printed.
    """

    command: str
    runs: tuple[Path, ...]
    code: int
    text: str


@dataclass(frozen=True)
class Verdict:
    """Whether what the row asks for was seen, and the numbers."""

    holds: bool
    lines: tuple[str, ...]


Judge = Callable[[Sequence[Outcome]], Verdict]


def every(*judges: Judge) -> Judge:
    """One judge for each command; all must agree."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        found = [j([outcome]) for j, outcome in zip(judges, outcomes, strict=True)]
        lines = [line for verdict in found for line in verdict.lines]
        return Verdict(all(verdict.holds for verdict in found), tuple(lines))

    return judge


def answers(outcomes: Sequence[Outcome]) -> Verdict:
    """Every finding of every run's answer that expects something holds."""
    lines, holds = [], True
    for outcome in outcomes:
        found = [path for run in outcome.runs for path in sorted(run.glob("**/answer.json"))]
        holds &= bool(found) and outcome.code == 0
        findings = [f for path in found for f in json.loads(path.read_text())["findings"]]
        holds &= all(finding["holds"] is not False for finding in findings)
        for says in dict.fromkeys(finding["says"] for finding in findings):
            lines.append(_told([finding for finding in findings if finding["says"] == says]))
    return Verdict(holds, tuple(lines))


def _told(findings: Sequence[Mapping[str, Any]]) -> str:
    """One finding, of one run or several, in a line."""
    says, wanted = findings[0]["says"], findings[0]["wanted"]
    values = [finding["value"] for finding in findings]
    if len(values) == 1 or any(isinstance(value, str) for value in values):
        told = ", ".join(dict.fromkeys(map(_shown, values)))
    else:
        told = f"{_shown(min(values))} to {_shown(max(values))} in {len(values)} runs"
    held = sum(finding["holds"] is True for finding in findings)
    if wanted and len(findings) > 1:
        return f"{says}: {told} (wanted: {wanted}; so in {held})"
    return f"{says}: {told}" + (f" (wanted: {wanted})" if wanted else "")


def prints(*texts: str, code: int | None = None) -> Judge:
    """The command prints each of these texts, and ends with that exit code if one is given."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        lines, holds = [], True
        for outcome in outcomes:
            words = " ".join(outcome.text.split())
            missing = [text for text in texts if text not in words]
            holds &= not missing and code in (None, outcome.code)
            lines += [f"`{outcome.command}` prints “{t}”" for t in texts if t not in missing]
            lines += [f"`{outcome.command}` does not print “{t}”" for t in missing]
        return Verdict(holds, tuple(lines))

    return judge


def better(*groups: str, baseline: str, metric: str, by: Sequence[str] = ()) -> Judge:
    """Each of the groups is better than the baseline, p < 0.05 after Holm's correction."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        lines, holds = [], True
        for outcome in outcomes:
            comparison = compared(outcome, metric=metric, baseline=baseline, by=by)
            lines += table(comparison)
            for name in groups:
                (group,) = (g for g in comparison.groups if name in (g.name, *g.labels))
                up = group.versus is not None and group.versus.difference > 0
                sure = group.p is not None and group.p < _SIGNIFICANT
                holds &= sure and up == (comparison.mode == "max")
        return Verdict(holds, tuple(lines))

    return judge


def table_of(*, metric: str, by: Sequence[str] = (), most_lost: int = 0) -> Judge:
    """Every group but so many of them has its mean; nothing is expected of the values."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        lines, holds = [], True
        for outcome in outcomes:
            comparison = compared(outcome, metric=metric, by=by)
            lines += table(comparison)
            lost = [group for group in comparison.groups if len(group.values) < group.of]
            holds &= len(comparison.groups) > 1 and len(lost) <= most_lost
        return Verdict(holds, tuple(lines))

    return judge


def reaches(limit: float, *, metric: str, share: float = 1.0) -> Judge:
    """At least that share of the runs reach the limit, in the metric's better direction."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        lines, reached, values = list[str](), 0, list[float]()
        for outcome in outcomes:
            comparison = compared(outcome, metric=metric)
            lines += table(comparison)
            own = [value for group in comparison.groups for value in group.values]
            sign = 1 if comparison.mode == "max" else -1
            reached += sum(sign * value >= sign * limit for value in own)
            values += own
        lines.append(f"{reached} of {len(values)} runs reach {metric} {limit:g}")
        return Verdict(bool(values) and reached >= share * len(values), tuple(lines))

    return judge


def compared(outcome: Outcome, **options: Any) -> Any:
    """The comparison of the runs that a command left behind."""
    from ..analysis.collect import collect
    from ..analysis.compare import compare

    return compare(collect([str(run) for run in outcome.runs]), **options)


def table(comparison: Any) -> list[str]:
    """A comparison, a line per group: n, mean, interval, and the test against the baseline."""
    from ..analysis.comparison_text import cells, columns, decimals

    titles, digits = columns(comparison), decimals(comparison)
    lines = []
    for group in comparison.groups:
        row = zip(titles, cells(comparison, group, digits), strict=True)
        told = ", ".join(f"{title} {cell}".strip() for title, cell in row if cell)
        lines.append(f"{group.name or 'all runs'}: {told}")
    return lines


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
