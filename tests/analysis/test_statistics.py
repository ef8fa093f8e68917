"""Intervals, the paired test and its correction, against scipy called here."""

import math

import numpy as np
import pytest
from losslab.analysis.statistics import holm, interval, paired_test
from scipy import stats

A = [0.81, 0.84, 0.79, 0.88, 0.83]
B = [0.80, 0.80, 0.78, 0.85, 0.79]


@pytest.mark.parametrize("values", [A, B, A[:2]], ids=["five", "five-others", "two"])
def test_the_interval_is_students(values):
    found = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert interval(values) == pytest.approx((found.low, found.high), rel=1e-12)


def test_the_bootstrap_is_scipys_bca():
    found = stats.bootstrap((A,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    assert interval(A, "bootstrap") == pytest.approx((found.low, found.high), rel=1e-12)
    assert interval(A, "bootstrap") == interval(A, "bootstrap")


@pytest.mark.parametrize("kind", ["t", "bootstrap"])
def test_equal_values_have_an_interval_without_width(kind):
    assert interval([0.5, 0.5, 0.5], kind) == (0.5, 0.5)


def test_one_value_has_no_interval():
    assert interval([0.5]) is None
    assert interval([]) is None


def test_five_pairs_are_compared_by_the_t_test():
    found = paired_test(A, B)
    expected = stats.ttest_rel(A, B)
    ends = expected.confidence_interval(0.95)
    differences = np.subtract(A, B)
    assert found.n == 5
    assert found.p == pytest.approx(expected.pvalue, rel=1e-12)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), rel=1e-12)
    assert found.difference == pytest.approx(differences.mean(), rel=1e-12)
    assert found.effect == pytest.approx(differences.mean() / differences.std(ddof=1), rel=1e-12)


def test_five_pairs_are_too_few_for_wilcoxon():
    # Why the t-test is taken: the clearest case there can be comes to 2 / 2^5.
    assert stats.wilcoxon([1.0, 2.0, 3.0, 4.0, 5.0]).pvalue == 0.0625


@pytest.mark.parametrize(
    ("group", "baseline", "why"),
    [
        pytest.param([], [], "no shared seed", id="none"),
        pytest.param([0.5], [0.25], "1 shared seed", id="one"),
        pytest.param([0.5, 0.25], [0.5, 0.25], "equal for every seed", id="equal"),
        pytest.param([0.3, 0.4, 0.5], [0.2, 0.3, 0.4], "the differences all equal", id="shifted"),
    ],
)
def test_where_no_test_is_possible_it_says_so(group, baseline, why):
    found = paired_test(group, baseline)
    assert found.p is None
    assert found.effect is None
    assert found.why_not == why
    assert math.isnan(found.difference) == (not group)


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.9 times 4, 3, 2, 1; none below the one before, none above 1.
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_is_between_no_correction_and_bonferroni():
    p = np.random.default_rng(0).random(50)
    corrected = np.array(holm(p.tolist()))
    assert (corrected >= p).all()
    assert (corrected <= np.minimum(1, 50 * p)).all()
    assert (np.diff(corrected[np.argsort(p)]) >= 0).all()
