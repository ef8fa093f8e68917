import pytest
import torch
from losslab.analysis.counts import clopper_pearson, intervals, rates


@pytest.mark.parametrize(
    ("hits", "n", "ends"),
    [
        (0, 10, (0.0, 1 - 0.025 ** (1 / 10))),  # closed form: (1 − p)ⁿ = 0.025
        (10, 10, (0.025 ** (1 / 10), 1.0)),
        (5, 10, (0.18709, 0.81291)),  # Clopper & Pearson 1934; scipy binomtest gives the same
        (0, 0, (0.0, 1.0)),
    ],
)
def test_clopper_pearson(hits, n, ends):
    if n:
        from scipy.stats import binomtest

        exact = binomtest(hits, n).proportion_ci(method="exact")
        assert (exact.low, exact.high) == pytest.approx(ends, abs=1e-5)
    assert clopper_pearson(hits, n) == pytest.approx(ends, abs=1e-5)


def test_rates():
    found = rates(torch.tensor([6.0, 2.0, 4.0, 8.0]), dense=False)  # tp fp fn tn
    assert {name: float(value) for name, value in found.items()} == pytest.approx(
        {"f1": 12 / 18, "accuracy": 0.7, "precision": 0.75, "recall": 0.6}
    )
    assert list(rates(torch.zeros(4), dense=True)) == [
        *("dice", "iou", "accuracy", "precision", "recall")
    ]
    assert all(float(value) == 0 for value in rates(torch.zeros(4), dense=False).values())


def test_a_dense_interval_is_as_wide_as_images_differ():
    alike = torch.tensor([[30.0, 10, 10, 50]]).repeat(20, 1)
    apart = torch.cat([alike[:10] * torch.tensor([2.0, 0, 0, 1]), alike[:10] * 0.5])
    low, high = intervals(alike, dense=True)["dice"]
    assert low == pytest.approx(high)  # resampling equal images changes nothing
    low, high = intervals(apart, dense=True)["dice"]
    assert low < float(rates(apart.sum(0), dense=True)["dice"]) < high


def test_the_bootstrap_of_accuracy_has_the_width_of_the_normal_interval():
    counts = torch.zeros(400, 4)
    counts[:300, 0], counts[300:, 2] = 1, 1  # accuracy 0.75
    low, high = intervals(counts, dense=True)["accuracy"]
    half = 1.96 * (0.75 * 0.25 / 400) ** 0.5
    assert (low, high) == pytest.approx((0.75 - half, 0.75 + half), abs=0.01)
