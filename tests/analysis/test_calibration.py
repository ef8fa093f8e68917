"""Calibration errors: closed forms, scikit-learn's curve, and what their intervals cover."""

import pytest
import torch
from losslab.analysis.calibration import Tally
from losslab.analysis.claims import Elements
from sklearn.calibration import calibration_curve


def of(probability, true, sample=None, samples=None):
    """A batch of yes or no; each element a sample of its own unless told."""
    n = len(true)
    sample = torch.arange(n) if sample is None else sample
    logits = torch.as_tensor(probability).double().logit().unsqueeze(1)
    label = torch.zeros(n).long()
    return Elements(logits, torch.as_tensor(true).long(), sample, label, samples or n)


def measured(*batches, dense=False, **options):
    tally = Tally(dense=dense, **options)
    for batch in batches:
        tally.add(batch)
    return tally.compute()


def drawn(n, seed, scale=1.0):
    """Claims σ(z), and truths that come with probability σ(z / scale)."""
    generator = torch.Generator().manual_seed(seed)
    z = 2 * torch.randn(n, generator=generator).double()
    return z.sigmoid(), torch.bernoulli((z / scale).sigmoid(), generator=generator)


def test_the_errors_of_two_bins_in_closed_form():
    """0.2 is claimed and 0.4 come true of ten, 0.8 is claimed and 0.5 come true of ten."""
    true = [1] * 4 + [0] * 6 + [1] * 5 + [0] * 5
    found = measured(of([0.2] * 10 + [0.8] * 10, true))
    assert found.how == "2 bins of equal mass"
    assert found.claimed.tolist() == pytest.approx([0.2, 0.8])
    assert found.came_true.tolist() == pytest.approx([0.4, 0.5])
    assert found.values["ece"] == pytest.approx(0.5 * 0.2 + 0.5 * 0.3)
    assert found.values["mce"] == pytest.approx(0.3)
    assert found.values["brier"] == pytest.approx((4 * 0.64 + 6 * 0.04 + 5 * 0.04 + 5 * 0.64) / 20)


def test_bins_of_equal_mass_are_scikit_learns():
    """scikit-learn 1.9.1."""
    probability, true = drawn(399, 0)
    found = measured(of(probability, true))
    shares, means = calibration_curve(true, probability, n_bins=15, strategy="quantile")
    assert found.how == "15 bins of equal mass"
    assert found.claimed.tolist() == pytest.approx(means)
    assert found.came_true.tolist() == pytest.approx(shares)
    assert found.mass.sum() == 399


def test_pixels_are_put_into_bins_of_equal_width():
    """scikit-learn 1.9.1."""
    probability, true = drawn(400, 0)
    image = torch.arange(4).repeat_interleave(100)
    found = measured(of(probability, true, image, 4), dense=True)
    shares, means = calibration_curve(true, probability, n_bins=15, strategy="uniform")
    assert found.how == "15 bins of equal width"
    assert found.claimed.tolist() == pytest.approx(means)
    assert found.came_true.tolist() == pytest.approx(shares)


@pytest.mark.parametrize("dense", [False, True], ids=["samples", "pixels"])
def test_batches_add_up_to_the_whole(dense):
    probability, true = drawn(200, 0)
    parts = [of(probability[i : i + 50], true[i : i + 50]) for i in range(0, 200, 50)]
    whole = measured(of(probability, true), dense=dense)
    pieces = measured(*parts, dense=dense)
    assert pieces.values == pytest.approx(whole.values)
    assert pieces.intervals == {n: pytest.approx(ends) for n, ends in whole.intervals.items()}
    assert torch.allclose(pieces.bins, whole.bins)


def test_images_that_are_alike_leave_no_doubt_and_others_do():
    probability, true = torch.full((100,), 0.7), torch.arange(100) % 10 < 5
    image = torch.arange(10).repeat_interleave(10)
    alike = measured(of(probability, true, image, 10), dense=True)
    assert alike.intervals["ece"] == pytest.approx((0.2, 0.2))
    assert alike.ends.tolist() == [pytest.approx([0.5, 0.5])]
    apart = measured(of(probability, torch.arange(100) < 50, image, 10), dense=True)
    low, high = apart.ends[0].tolist()
    assert low < 0.3
    assert high > 0.7


def test_little_data_has_fewer_bins():
    assert measured(of(*drawn(35, 0))).how == "3 bins of equal mass"
    assert measured(of(*drawn(5, 0))).how == "1 bin of equal mass"


@pytest.mark.parametrize(
    ("probability", "how", "sizes"),
    [
        ([0.3] * 200, "1 bin of about equal mass", [200]),
        ([0.2] * 100 + [0.8] * 100, "2 bins of about equal mass", [100, 100]),
        ([0.2] * 30 + [0.4, 0.6] * 5, "2 bins of about equal mass", [30, 10]),
    ],
    ids=["all alike", "two values", "one value often"],
)
def test_bins_whose_edges_coincide_are_counted_where_they_are_filled(probability, how, sizes):
    found = measured(of(probability, torch.arange(len(probability)) % 2))
    assert found.how == how
    assert found.bins[:, 0].tolist() == sizes
    assert found.as_dict()["method"].startswith(f"{how}; ")


def test_what_chance_shows_is_what_perfect_calibration_does():
    """The mean ECE of 20 draws, against what one of them says of chance."""
    found = [measured(of(*drawn(300, seed))) for seed in range(20)]
    shown = sum(each.values["ece"] for each in found) / 20
    assert found[0].by_chance == pytest.approx(shown, rel=0.1)


def true_ece(scale):
    """Of 15 bins of equal mass, from the probabilities with which the truths are drawn."""
    probability, _ = drawn(100_000, 99)
    gap = probability.sort().values - (probability.sort().values.logit() / scale).sigmoid()
    return float(torch.stack([part.mean().abs() for part in gap.tensor_split(15)]).mean())


@pytest.mark.parametrize("scale", [1.0, 1.5, 3.0], ids=["calibrated", "sure", "far too sure"])
def test_intervals_cover_the_truth(scale):
    """The ECE's and the Brier score's, over 40 draws of 300."""
    p = drawn(1_000_000, 99)[0]
    chance = (p.logit() / scale).sigmoid()
    truths = {"ece": true_ece(scale), "brier": float((p * (p - 2 * chance) + chance).mean())}
    found = [measured(of(*drawn(300, seed, scale))) for seed in range(40)]
    for name, truth in truths.items():
        ends = [each.intervals[name] for each in found]
        assert sum(low <= truth <= high for low, high in ends) >= 34
        assert all(0 <= low < high <= 1 for low, high in ends)
        assert all(e.intervals[name][0] <= e.values[name] <= e.intervals[name][1] for e in found)


def test_a_temperature_puts_over_confidence_right():
    probability, true = drawn(4000, 0, scale=3.0)
    before = measured(of(probability, true))
    after = measured(of(probability, true), temperature=3.0)
    assert before.values["ece"] > 0.1
    assert after.values["ece"] < 0.03
    assert after.values["log_loss"] < before.values["log_loss"]


def test_what_is_written_as_json():
    found = measured(of([0.2] * 10 + [0.8] * 10, [1] * 4 + [0] * 6 + [1] * 5 + [0] * 5)).as_dict()
    assert found["bins"][0]["elements"] == 10
    assert found["bins"][0]["claimed"] == pytest.approx(0.2)
    assert set(found["intervals"]) == {"ece", "mce", "brier", "log_loss"}
