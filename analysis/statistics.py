r"""What a few runs say beyond luck: intervals of a mean, paired tests, Holm's correction.

Runs are few, five seeds or so, and that decides the choices. An interval of the mean is Student's,
mean ± t(n−1) · s/√n; a bootstrap of five values comes out too narrow, so it is there on request
only. Two groups that share their seeds are compared by the paired t-test: Wilcoxon's signed-rank
test can't reach p < 0.0625 with five pairs, whatever the values are. The effect size is Cohen's d
of the pairs, the mean difference over its standard deviation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

IntervalKind = Literal["t", "bootstrap"]
LEVEL = 0.95
_RESAMPLES = 9999
_SAME = 1e-12  # differences that vary by less, relative to the values, do not vary


@dataclass(frozen=True)
class Paired:
    """One group against the baseline, over the seeds that both have.

    Args:
        n: shared seeds.
        difference: mean of the differences, group − baseline.
        low: lower end of its 95 % Student interval; NaN where it has none.
        high: upper end.
        p: two-sided, of the paired t-test; None where there is no test.
        effect: Cohen's d of the pairs, difference / standard deviation; None without a test.
        why_not: why there is no test.
    """

    n: int
    difference: float
    low: float = math.nan
    high: float = math.nan
    p: float | None = None
    effect: float | None = None
    why_not: str = ""


def interval(values: Sequence[float], kind: IntervalKind = "t") -> tuple[float, float] | None:
    """The 95 % interval of the mean; None for fewer than two values.

    >>> low, high = interval([1.0, 2.0, 3.0])
    >>> f"{low:.3f} … {high:.3f}"
    '-0.484 … 4.484'

    Args:
        values: of independent runs.
        kind: `t`, Student's; or `bootstrap`, BCa (Efron 1987) with 9,999 resamples, always the same
            ones.
    """
    import numpy as np

    if len(values) < 2:
        return None
    if _all_same(values):
        return values[0], values[0]
    if kind == "bootstrap":
        from scipy import stats

        found = stats.bootstrap(
            (np.asarray(values),),
            np.mean,
            n_resamples=_RESAMPLES,
            confidence_level=LEVEL,
            rng=np.random.default_rng(0),
        ).confidence_interval
        return float(found.low), float(found.high)
    mean, half = float(np.mean(values)), _half_width(values)
    return mean - half, mean + half


def _half_width(values: Sequence[float]) -> float:
    import numpy as np
    from scipy.special import stdtrit  # Student's quantile; scipy.stats takes a second to import

    n = len(values)
    quantile = float(stdtrit(n - 1, (1 + LEVEL) / 2))
    return quantile * float(np.std(values, ddof=1)) / math.sqrt(n)


def _all_same(values: Sequence[float], scale: float = 0.0) -> bool:
    return max(values) - min(values) <= _SAME * max(scale, *(abs(value) for value in values))


def paired_test(group: Sequence[float], baseline: Sequence[float]) -> Paired:
    """The paired t-test of two groups, value by value of the same seed.

    Args:
        group: one value per shared seed.
        baseline: the baseline's values of the same seeds, in the same order.
    """
    import numpy as np
    from scipy.special import stdtr

    differences = [a - b for a, b in zip(group, baseline, strict=True)]
    n = len(differences)
    if n == 0:
        return Paired(0, math.nan, why_not="no shared seed")
    mean = float(np.mean(differences))
    if n == 1:
        return Paired(1, mean, why_not="1 shared seed")
    scale = max(abs(value) for value in (*group, *baseline))
    if _all_same(differences, scale):
        same = "equal for every seed" if abs(mean) <= _SAME * scale else "the differences all equal"
        return Paired(n, mean, mean, mean, why_not=same)
    half = _half_width(differences)
    t = mean / (float(np.std(differences, ddof=1)) / math.sqrt(n))
    return Paired(
        n,
        mean,
        mean - half,
        mean + half,
        2 * float(stdtr(n - 1, -abs(t))),
        mean / float(np.std(differences, ddof=1)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for being several (Holm 1979).

    The k-th smallest of m is multiplied by m − k + 1, and none may come out below a smaller one.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
