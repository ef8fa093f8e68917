"""Generalised dice: masks counted by hand, its limit, and MONAI 1.6.1."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from loss_tools import scores
from losslab.losses import dice, generalized_dice

# Two images of 2 × 3 pixels. Image 0: 2 right, 1 false positive, 1 missed. Image 1: all right.
TARGET = torch.tensor([[[[1, 1, 1], [0, 0, 0]]], [[[0, 0, 0], [0, 0, 1]]]]).double()
EMPTY = torch.zeros_like(TARGET)


ANSWER = scores([[[[1, 1, 0], [1, 0, 0]]], [[[0, 0, 0], [0, 0, 1]]]])


def test_generalized_dice_by_hand() -> None:
    # Class 0: 3 of 4 right; class 1: 1 of 2 right, 1 too many. Target sizes 4 and 2.
    answer = torch.tensor([[0, 0, 0, 1, 1, 0]])
    target = torch.tensor([[0, 0, 0, 0, 1, 1]])
    logits = scores(F.one_hot(answer, 2).movedim(-1, 1).tolist())
    for volume, u0, u1 in (("square", 1 / 16, 1 / 4), ("simple", 1 / 4, 1 / 2), ("uniform", 1, 1)):
        expected = 1 - 2 * (3 * u0 + 1 * u1) / (8 * u0 + 4 * u1)
        value = generalized_dice(logits, target, volume=volume)
        assert value.item() == pytest.approx(expected), volume
    # `smooth` is in pixels: the weights are scaled to a sum of 1, here to 1/5 and 4/5.
    expected = 1 - (2 * (3 / 5 + 4 / 5) + 1) / (8 / 5 + 16 / 5 + 1)
    assert generalized_dice(logits, target, smooth=1.0).item() == pytest.approx(expected)


def test_generalized_dice_of_one_channel_is_dice() -> None:
    torch.testing.assert_close(
        generalized_dice(ANSWER, TARGET, smooth=0.5), dice(ANSWER, TARGET, smooth=0.5)
    )
    torch.testing.assert_close(
        generalized_dice(ANSWER, EMPTY, empty="penalise"), dice(ANSWER, EMPTY, empty="penalise")
    )


def test_an_absent_class_has_the_largest_weight_in_generalized_dice_if_penalised() -> None:
    answer = scores(F.one_hot(torch.tensor([[0, 0, 1, 2]]), 3).movedim(-1, 1).tolist())
    target = torch.tensor([[0, 0, 1, 1]])
    value = generalized_dice(answer, target, volume="simple")
    assert value.item() == pytest.approx(1 - 2 * (2 + 1) / (4 + 3))
    value = generalized_dice(answer, target, volume="simple", empty="penalise")
    assert value.item() == pytest.approx(1 - 2 * (2 + 1) / (4 + 3 + 1))
    zero = generalized_dice(answer, torch.full((1, 4), 1), empty="zero", exclude=[1])
    assert zero.item() == 0


def test_generalized_dice_stays_finite_where_a_soft_class_is_tiny() -> None:
    target = torch.tensor([[[1.0, 1.0], [1e-25, 1e-25]]])
    logits = torch.zeros(1, 2, 2, requires_grad=True)
    value = generalized_dice(logits, target)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert value.isfinite().all()
    assert gradient.isfinite().all()


def test_a_constant_class_weight_changes_nothing_in_generalized_dice() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 9, generator=generator, dtype=torch.double)
    target = torch.randint(4, (3, 9), generator=generator)
    torch.testing.assert_close(
        generalized_dice(logits, target, class_weight=[7.0] * 4, smooth=1.0),
        generalized_dice(logits, target, smooth=1.0),
    )


@pytest.mark.parametrize("volume", ["square", "simple", "uniform"])
def test_generalized_dice_is_monais_without_its_smoothing(monai: Any, volume: str) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 8, 8, generator=generator, dtype=torch.double)
    target = torch.randint(4, (3, 8, 8), generator=generator)
    options = {"softmax": True, "to_onehot_y": True, "smooth_nr": 0, "smooth_dr": 0}
    peer = monai.GeneralizedDiceLoss(**options, w_type=volume)(logits, target.unsqueeze(1))
    torch.testing.assert_close(generalized_dice(logits, target, volume=volume).mean(), peer)
    absent = torch.where(target == 3, 1, target)  # MONAI gives it the largest weight
    peer = monai.GeneralizedDiceLoss(**options, w_type=volume)(logits, absent.unsqueeze(1))
    value = generalized_dice(logits, absent, volume=volume, empty="penalise").mean()
    torch.testing.assert_close(value, peer)


def test_an_option_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="volume must be one of square, simple, uniform; got x"):
        generalized_dice(ANSWER, TARGET, volume="x")
