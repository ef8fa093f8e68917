"""The curve that folds back."""

import math

import pytest
import torch
from losslab.data import one_to_many


def points(**options):
    return one_to_many(val=0, test=0, **options).splits["train"]


def test_without_noise_every_point_is_on_the_curve():
    tensors = points(samples=50, noise=0)
    y = tensors["target"]
    torch.testing.assert_close(tensors["input"], y + 0.3 * torch.sin(2 * math.pi * y))


def test_in_the_middle_there_are_three_answers():
    tensors = points(samples=4000, noise=0)
    near = (tensors["input"] - 0.5).abs() < 0.01
    answers = tensors["target"][near].sort().values
    assert (answers.diff() > 0.1).sum() == 2


def test_outliers_are_far_off_on_both_sides():
    y = points(samples=2000, outliers=0.1)["target"]
    assert ((y > 10).float().mean() - 0.05).abs() < 0.02
    assert ((y < -10).float().mean() - 0.05).abs() < 0.02


@pytest.mark.parametrize("options", [{"samples": 0}, {"noise": -1.0}, {"outliers": 1.5}])
def test_options_outside_their_range_are_refused(options):
    with pytest.raises(ValueError, match=r"samples must be at least 1, noise not negative and out"):
        one_to_many(**options)
