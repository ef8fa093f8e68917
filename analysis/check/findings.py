"""What the doctor reports."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["broken", "warning", "note"]
LEVELS: tuple[Level, ...] = ("broken", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing found about a loss.

    Args:
        kind: what was found, in a word or two that stay the same: `gradient cut`.
        level: `broken` if it can't train as it is, `warning` if it may not, `note` for what is good
            to know.
        evidence: what was seen, with numbers, and the operation where there is one.
        why: what follows from it.
        remedy: what to do.
    """

    kind: str
    level: Level
    evidence: str
    why: str
    remedy: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


_NUMERICAL = frozenset({"not finite", "gradient not finite", "overflow"})


def unsuited(findings: list[Finding], ambiguous: bool) -> tuple[int, int, int, int]:
    """How badly a kind of answer suits a loss: what is broken, what is doubtful about it.

    Overflow and NaN at the extremes are the loss's own, whatever it is made for. They only count
    where the answer's name leaves open what it means. Of two that are broken, the one whose minimum
    is no answer at all suits it less.
    """
    numerical = [finding.level for finding in findings if finding.kind in _NUMERICAL]
    others = [finding.level for finding in findings if finding.kind not in _NUMERICAL]
    return (
        others.count("broken"),
        numerical.count("broken") if ambiguous else 0,
        sum(finding.kind == "not minimal at the truth" for finding in findings),
        others.count("warning"),
    )
