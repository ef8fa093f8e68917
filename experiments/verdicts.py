"""How a row's outcome is judged: by its runs' answers, by a comparison, or by what was printed."""

import json
import re
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


def both(*judges: Judge) -> Judge:
    """Several judges of the same commands; all must agree."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        found = [j(outcomes) for j in judges]
        lines = dict.fromkeys(line for verdict in found for line in verdict.lines)
        return Verdict(all(verdict.holds for verdict in found), tuple(lines))

    return judge


def answers(outcomes: Sequence[Outcome]) -> Verdict:
    """Every finding of every run's answer that expects something holds."""
    lines, holds = [], True
    for outcome in outcomes:
        found = [path for run in outcome.runs for path in sorted(run.glob("**/answer.json"))]
        holds &= bool(found) and outcome.code == 0
        findings = [f for path in found for f in json.loads(path.read_text())["findings"]]
        held = [finding["holds"] for finding in findings if finding["holds"] is not None]
        holds &= bool(held) and all(held)
        for kind in dict.fromkeys((f["says"], f["wanted"]) for f in findings):
            lines.append(_told([f for f in findings if (f["says"], f["wanted"]) == kind]))
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


def prints(*texts: str, code: int) -> Judge:
    """The command prints each of these texts, as whole words, and ends with that exit code."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        lines, holds = [], True
        for outcome in outcomes:
            words = " ".join(outcome.text.split())
            missing = [t for t in texts if not re.search(rf"(?<!\w){re.escape(t)}(?!\w)", words)]
            holds &= not missing and code == outcome.code
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
                group = _group(comparison, name)
                up = group.versus is not None and group.versus.difference > 0
                sure = group.p is not None and group.p < _SIGNIFICANT
                whole = len(group.values) == group.of
                holds &= whole and sure and up == (comparison.mode == "max")
        return Verdict(holds, tuple(lines))

    return judge


def table_of(*, metric: str, by: Sequence[str] = (), lost: Sequence[str] = ()) -> Judge:
    """All runs have a value but those of the groups that are to be lost, which have none."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        lines, holds = [], True
        for outcome in outcomes:
            comparison = compared(outcome, metric=metric, by=by)
            lines += table(comparison)
            holds &= len(comparison.groups) > 1
            for group in comparison.groups:
                wanted = 0 if {group.name, *group.labels} & {*lost} else group.of
                holds &= len(group.values) == wanted
        return Verdict(holds, tuple(lines))

    return judge


def rising(*groups: str, metric: str) -> Judge:
    """The mean never falls from one group to the next, and the last is above the first."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        lines, holds = [], True
        for outcome in outcomes:
            comparison = compared(outcome, metric=metric)
            lines += table(comparison)
            means = [_group(comparison, name).mean for name in groups]
            holds &= means == sorted(means) and means[-1] > means[0] and outcome.code == 0
        return Verdict(holds, tuple(lines))

    return judge


def within(
    limit: float, *groups: str, beyond: Sequence[str], metric: str, by: Sequence[str] = ()
) -> Judge:
    """The groups' means are below the limit, and those of `beyond` are not."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        lines, holds = [], True
        for outcome in outcomes:
            comparison = compared(outcome, metric=metric, by=by)
            lines.append(f"{metric} below {limit:g} wanted of {', '.join(groups)}, and of no other")
            holds &= all(_group(comparison, name).mean < limit for name in groups)
            holds &= all(_group(comparison, name).mean >= limit for name in beyond)
        return Verdict(holds, tuple(lines))

    return judge


def _group(comparison: Any, name: str) -> Any:
    """The group of that name, or that label."""
    (group,) = (g for g in comparison.groups if name in (g.name, *g.labels))
    return group


def reaches(limit: float, *, metric: str, share: float = 1.0) -> Judge:
    """At least that share of all runs reach the limit, in the metric's better direction."""

    def judge(outcomes: Sequence[Outcome]) -> Verdict:
        lines, reached, count, holds = list[str](), 0, 0, True
        for outcome in outcomes:
            comparison = compared(outcome, metric=metric)
            lines += table(comparison)
            own = [value for group in comparison.groups for value in group.values]
            sign = 1 if comparison.mode == "max" else -1
            reached += sum(sign * value >= sign * limit for value in own)
            count += sum(group.of for group in comparison.groups)
            holds &= outcome.code == 0
        lines.append(f"{reached} of {count} runs reach {metric} {limit:g}")
        return Verdict(holds and count > 0 and reached >= share * count, tuple(lines))

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
