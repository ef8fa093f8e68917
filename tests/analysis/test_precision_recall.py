import numpy as np
import pytest
import torch
from losslab.analysis.precision_recall import Questions
from sklearn.metrics import average_precision_score, precision_score, recall_score


def drawn(n=600, labels=3):
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(labels).repeat(n // labels)
    truth = torch.rand(n, generator=generator) < 0.3
    score = 2 * torch.randn(n, generator=generator).double() + truth * (1.0 + label)
    return score, truth, label


def asked(score, truth, label, labels=3, dense=False):
    questions = Questions(labels, dense=dense, samples=len(score))
    for part in torch.arange(len(score)).chunk(4):
        questions.add(score[part], truth[part], label[part])
    return questions


def test_averages_are_scikit_learns_and_the_worst_label_comes_first():
    """scikit-learn 1.9.1."""
    score, truth, label = drawn()
    whole, *each = asked(score, truth, label).curves(["a", "b", "c"])
    assert whole.name == ""
    assert whole.average == pytest.approx(average_precision_score(truth, score))
    assert whole.share == pytest.approx(truth.double().mean())
    assert [curve.name for curve in each] == ["a", "b", "c"]  # c is the easiest
    for index, curve in enumerate(each):
        of = label == index
        assert curve.average == pytest.approx(average_precision_score(truth[of], score[of]))


def test_the_usual_threshold_lies_on_the_curve():
    score, truth, label = drawn()
    whole = asked(score, truth, label).curves()[0]
    expected = recall_score(truth, score > 0), precision_score(truth, score > 0)
    assert whole.usual == pytest.approx(expected)
    points = np.stack([whole.recall, whole.precision], 1)
    assert np.abs(points - whole.usual).sum(1).min() < 0.01


def test_a_histogram_is_as_good_as_all_scores():
    score, truth, label = drawn(6000)
    exact = asked(score, truth, label).curves()
    binned = asked(score, truth, label, dense=True).curves()
    for one, other in zip(exact, binned, strict=True):
        assert other.average == pytest.approx(one.average, abs=2e-3)
        assert other.share == pytest.approx(one.share)
        assert other.usual == pytest.approx(one.usual)


def test_a_histogram_takes_scores_of_any_size():
    score = torch.tensor([-1e6, -12.0, 0.0, 12.0, 1e6]).double()
    truth = torch.tensor([False, True, False, True, True])
    whole = asked(score, truth, torch.zeros(5).long(), labels=1, dense=True).curves()[0]
    assert whole.usual == pytest.approx((2 / 3, 1.0))
    assert whole.recall.max() == 1


def test_a_label_without_a_positive_has_no_curve():
    score, truth, label = drawn()
    truth &= label != 1
    assert [c.name for c in asked(score, truth, label).curves()] == ["", "0", "2"]
    assert asked(score, torch.zeros_like(truth), label).curves() == []
