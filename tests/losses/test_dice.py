"""Dice: masks counted by hand, scikit-learn 1.9.1's F1, four peers, and what is left out."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from loss_tools import scores
from losslab.losses import dice, log_cosh_dice
from sklearn.metrics import f1_score
from torch import Tensor

# Two images of 2 × 3 pixels. Image 0: 2 right, 1 false positive, 1 missed. Image 1: all right.
ANSWER = scores([[[[1, 1, 0], [1, 0, 0]]], [[[0, 0, 0], [0, 0, 1]]]])
TARGET = torch.tensor([[[[1, 1, 1], [0, 0, 0]]], [[[0, 0, 0], [0, 0, 1]]]]).double()
EMPTY = torch.zeros_like(TARGET)


def test_values_by_hand() -> None:
    torch.testing.assert_close(dice(ANSWER, TARGET), torch.tensor([1 - 4 / 6, 0]).double())
    # Over both images: overlap 2 + 1, answer 3 + 1, target 3 + 1.
    assert dice(ANSWER, TARGET, per="batch").item() == pytest.approx(1 - 6 / 8)


def test_smooth_stands_once_in_numerator_and_denominator() -> None:
    expected = torch.tensor([1 - (4 + 1) / (6 + 1), 1 - (2 + 1) / (2 + 1)]).double()
    torch.testing.assert_close(dice(ANSWER, TARGET, smooth=1.0), expected)


def test_soft_answers_and_targets_by_the_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 1, 4, 5, generator=generator, dtype=torch.double)
    target = torch.rand(3, 1, 4, 5, generator=generator, dtype=torch.double)
    p, y = logits.sigmoid().flatten(1), target.flatten(1)
    expected = 1 - (2 * (p * y).sum(1) + 0.5) / (p.sum(1) + y.sum(1) + 0.5)
    torch.testing.assert_close(dice(logits, target, smooth=0.5), expected)


def test_of_hard_answers_it_is_one_minus_scikit_learns_f1() -> None:
    generator = torch.Generator().manual_seed(0)
    answer = torch.randint(2, (1, 1, 50), generator=generator)
    target = torch.randint(2, (1, 1, 50), generator=generator)
    expected = 1 - f1_score(target.flatten(), answer.flatten())
    assert dice(scores(answer.tolist()), target).item() == pytest.approx(expected)
    labels = torch.randint(4, (1, 50), generator=generator)
    classes = torch.randint(4, (1, 50), generator=generator)
    expected = 1 - f1_score(labels.flatten(), classes.flatten(), average="macro")
    one_hot = F.one_hot(classes, 4).movedim(-1, 1)
    assert dice(scores(one_hot.tolist()), labels).item() == pytest.approx(expected)


def test_class_indices_are_the_softmax_against_one_hot_masks() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.double)
    target = torch.randint(3, (2, 4, 5), generator=generator)
    p, y = logits.softmax(1), F.one_hot(target, 3).movedim(-1, 1)
    by_class = 1 - 2 * (p * y).sum((2, 3)) / (p + y).sum((2, 3))
    torch.testing.assert_close(dice(logits, target), by_class.mean(1))
    torch.testing.assert_close(
        dice(logits, target.to(torch.uint8), class_weight=[1, 2, 5]),
        (by_class * torch.tensor([1, 2, 5])).sum(1) / 8,
    )
    torch.testing.assert_close(dice(logits, target, exclude=[0]), by_class[:, 1:].mean(1))


def test_the_softmax_of_two_classes_is_the_sigmoid_of_their_difference() -> None:
    logits = torch.randn(2, 1, 9, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    target = (torch.arange(18).reshape(2, 9) % 3 == 0).long()
    two = torch.cat([torch.zeros_like(logits), logits], 1)
    torch.testing.assert_close(dice(two, target, exclude=[0]), dice(logits, target.unsqueeze(1)))


def test_it_works_without_pixels() -> None:
    logits, target = scores([[1], [1], [0], [0]]), torch.tensor([[1], [0], [1], [0]])
    assert dice(logits, target, per="batch").item() == pytest.approx(0.5)


def test_better_answers_have_a_lower_loss() -> None:
    values = [dice(size * ANSWER[1:], TARGET[1:]).item() for size in (-0.01, 0.0, 0.002, 0.01)]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


def test_false_positives_and_misses_cost_alike() -> None:
    answer, target = ANSWER[:1], TARGET[:1]
    swapped = dice(scores(target.tolist()), (answer > 0).double())
    torch.testing.assert_close(dice(answer, target), swapped)


# What is left out


def test_an_image_without_a_target_is_left_out_of_the_mean() -> None:
    logits, target = torch.cat([ANSWER, ANSWER]), torch.cat([TARGET, EMPTY])
    values = dice(logits, target)
    assert values[2:].tolist() == [0, 0]
    torch.testing.assert_close(values.mean(), dice(ANSWER, TARGET).mean())


def test_a_class_without_a_pixel_is_left_out_of_its_image_alone() -> None:
    # Classes 0 and 1 of three; the answer says 2 once instead of 1.
    answer = scores(F.one_hot(torch.tensor([[0, 0, 1, 2]]), 3).movedim(-1, 1).tolist())
    target = torch.tensor([[0, 0, 1, 1]])
    of_1 = 1 - 2 / 3
    assert dice(answer, target).item() == pytest.approx((0 + of_1) / 2)
    assert dice(answer, target, empty="zero").item() == pytest.approx((0 + of_1 + 0) / 3)
    assert dice(answer, target, empty="penalise").item() == pytest.approx((of_1 + 1 / 4) / 3)
    assert dice(answer, target, class_weight=[1, 3, 9]).item() == pytest.approx(3 * of_1 / 4)


@pytest.mark.parametrize("smooth", [0.0, 1.0])
@pytest.mark.parametrize(
    ("empty", "expected"), [("skip", [0, 0]), ("zero", [0, 0]), ("penalise", [1 / 2, 1 / 6])]
)
def test_images_without_a_target(empty: str, expected: list[float], smooth: float) -> None:
    values = dice(ANSWER, EMPTY, empty=empty, smooth=smooth)
    torch.testing.assert_close(values, torch.tensor(expected).double())


def test_penalised_false_positives_have_a_gradient() -> None:
    logits = torch.zeros(1, 1, 2, 2, requires_grad=True)
    dice(logits, torch.zeros(1, 1, 2, 2), empty="penalise").sum().backward()
    torch.testing.assert_close(logits.grad, torch.full((1, 1, 2, 2), 0.25 / 4))


def test_an_image_of_background_alone_says_nothing_when_background_does_not_count() -> None:
    answer = scores(F.one_hot(torch.tensor([[0, 1, 1], [0, 1, 0]]), 2).movedim(-1, 1).tolist())
    target = torch.tensor([[0, 1, 0], [0, 0, 0]])
    expected = torch.tensor([2 * (1 - 2 / 3), 0]).double()
    torch.testing.assert_close(dice(answer, target, exclude=[0]), expected)
    torch.testing.assert_close(dice(answer, target, class_weight=[0.0, 1.0]), expected)


# Weights


def test_pixel_weights_stand_inside_the_sums() -> None:
    weight = torch.tensor([[[1.0, 2, 3], [4, 5, 6]]]).double()
    # Answer pixels weigh 1 + 2 + 4, target pixels 1 + 2 + 3, both 1 + 2.
    expected = pytest.approx(1 - 2 * 3 / (7 + 6))
    assert dice(ANSWER[:1], TARGET[:1], weight).item() == expected
    assert dice(ANSWER[:1], TARGET[:1], weight.unsqueeze(1)).item() == expected
    assert dice(ANSWER[:1], TARGET[:1], 100 * weight).item() == expected


def test_sample_weights_weigh_the_images() -> None:
    value = dice(ANSWER, TARGET, torch.tensor([3.0, 1.0])).mean()
    assert value.item() == pytest.approx((3 * (1 - 4 / 6) + 0) / 4)


def test_sample_weights_weigh_the_pixels_of_a_batch() -> None:
    value = dice(ANSWER, TARGET, torch.tensor([3.0, 1.0]), per="batch")
    assert value.item() == pytest.approx(1 - 2 * (3 * 2 + 1) / (3 * 6 + 2))


@pytest.mark.parametrize("empty", ["skip", "zero", "penalise"])
def test_a_channel_of_weight_zero_is_left_out_whatever_an_empty_one_is_worth(empty: str) -> None:
    logits, target = torch.cat([ANSWER, -ANSWER], 1), torch.cat([TARGET, TARGET], 1)
    weight = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand_as(target)
    torch.testing.assert_close(dice(logits, target, weight, empty=empty), dice(ANSWER, TARGET))


def test_smooth_is_in_pixels_of_mean_weight() -> None:
    for per in ("image", "batch"):
        plain = dice(ANSWER, TARGET, smooth=1.0, per=per)
        weighted = dice(ANSWER, TARGET, torch.full((2, 2, 3), 1e-3), smooth=1.0, per=per)
        torch.testing.assert_close(weighted, plain, rtol=1e-6, atol=0)


# Relatives


def test_log_cosh_dice_is_the_log_cosh_of_dice_and_exact_near_zero() -> None:
    d = dice(ANSWER, TARGET, smooth=1.0)
    torch.testing.assert_close(log_cosh_dice(ANSWER, TARGET, smooth=1.0), d.cosh().log())
    nearly = torch.tensor([[[18.0, -18.0, -18.0]]]).double()  # d is about 1e-8
    target = torch.tensor([[[1.0, 0.0, 0.0]]]).double()
    d = dice(nearly, target)
    assert 1e-9 < d.item() < 1e-7
    torch.testing.assert_close(log_cosh_dice(nearly, target), d**2 / 2, rtol=1e-6, atol=0)


def test_log_cosh_dice_of_an_empty_class_is_that_of_its_mean_probability() -> None:
    values = log_cosh_dice(ANSWER, EMPTY, empty="penalise")
    torch.testing.assert_close(values, torch.tensor([1 / 2, 1 / 6]).double().cosh().log())
    assert (log_cosh_dice(ANSWER, EMPTY, empty="zero") == 0).all()


# Peers: MONAI 1.6.1, kornia 0.9.0, segmentation-models-pytorch (smp) 0.6.0, Keras 3.15.1


def pixels(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 4, 8, 8, generator=generator, dtype=torch.double)
    return logits, torch.randint(4, (3, 8, 8), generator=generator)


@pytest.mark.parametrize("smooth", [0.0, 0.5])
def test_with_every_class_present_it_is_monais(monai: Any, smooth: float) -> None:
    logits, target = pixels()
    options = {"softmax": True, "to_onehot_y": True, "smooth_nr": smooth, "smooth_dr": smooth}
    for batch, per in ((False, "image"), (True, "batch")):
        peer = monai.DiceLoss(**options, batch=batch)(logits, target.unsqueeze(1))
        torch.testing.assert_close(dice(logits, target, smooth=smooth, per=per).mean(), peer)
    peer = monai.DiceLoss(**options, include_background=False)(logits, target.unsqueeze(1))
    torch.testing.assert_close(dice(logits, target, smooth=smooth, exclude=[0]).mean(), peer)


def test_monai_counts_an_absent_class_and_scales_with_the_class_weights(monai: Any) -> None:
    logits, target = pixels()
    absent = torch.where(target == 3, 1, target)
    peer = monai.DiceLoss(softmax=True, to_onehot_y=True, reduction="none")
    by_class = peer(logits, absent.unsqueeze(1)).flatten(1)
    assert (by_class[:, 3] > 0.999).all()
    value = dice(logits, absent)
    torch.testing.assert_close(value, by_class[:, :3].mean(1), rtol=1e-5, atol=0)
    doubled = monai.DiceLoss(softmax=True, to_onehot_y=True, weight=torch.full((4,), 2.0))
    plain = monai.DiceLoss(softmax=True, to_onehot_y=True)
    index = target.unsqueeze(1)
    torch.testing.assert_close(doubled(logits, index), 2 * plain(logits, index))
    torch.testing.assert_close(dice(logits, target, class_weight=[2.0] * 4), dice(logits, target))


def test_smp_takes_the_whole_batch_adds_twice_smooth_and_counts_an_absent_class_as_0(
    smp: Any,
) -> None:
    logits, target = pixels()
    peer = smp.DiceLoss("multiclass", smooth=0.5)(logits, target)
    torch.testing.assert_close(dice(logits, target, smooth=1.0, per="batch"), peer)
    absent = torch.where(target == 3, 1, target)
    peer = smp.DiceLoss("multiclass")(logits, absent)
    torch.testing.assert_close(dice(logits, absent, per="batch", empty="zero"), peer)
    torch.testing.assert_close(dice(logits, absent, per="batch"), peer * 4 / 3)


def test_kornia_takes_each_image_and_leaves_out_an_absent_class(kornia: Any) -> None:
    logits, target = pixels()
    absent = torch.where(target == 3, 1, target)
    peer = kornia.dice_loss(logits, absent, average="macro")
    torch.testing.assert_close(dice(logits, absent).mean(), peer, rtol=1e-6, atol=0)


def test_keras_takes_batch_and_classes_together(keras: Any) -> None:
    logits, target = pixels()
    masks = F.one_hot(target, 4).movedim(-1, 1)
    peer = keras.Dice()(masks.float().numpy(), logits.sigmoid().float().numpy())
    together = dice(logits.reshape(1, 1, -1), masks.reshape(1, 1, -1))
    assert float(peer) == pytest.approx(together.item(), rel=1e-5)
    assert abs(float(peer) - dice(logits, masks, per="batch").item()) > 1e-4


def test_class_weights_are_smps_and_kornias_and_not_monais(
    monai: Any, smp: Any, kornia: Any
) -> None:
    (logits, target), weight = pixels(), [1.0, 2.0, 3.0, 4.0]
    by_image = dice(logits, target, class_weight=weight).mean()
    peer = kornia.dice_loss(logits, target, average="macro", weight=torch.tensor(weight).double())
    torch.testing.assert_close(by_image, peer, rtol=1e-6, atol=0)
    of_batch = smp.DiceLoss("multiclass", class_weights=weight)(logits, target)
    torch.testing.assert_close(dice(logits, target, per="batch", class_weight=weight), of_batch)
    options = {"softmax": True, "to_onehot_y": True, "smooth_nr": 0.0, "smooth_dr": 0.0}
    over_classes = monai.DiceLoss(**options, weight=torch.tensor(weight))
    peer = over_classes(logits, target.unsqueeze(1))
    torch.testing.assert_close(by_image * sum(weight) / 4, peer)
