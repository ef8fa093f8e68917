"""Soft Matthews correlation: scikit-learn 1.9.1, smp 0.6.0, and where it says nothing."""

from typing import Any

import pytest
import torch
from loss_tools import scores
from losslab.losses import mcc
from sklearn.metrics import matthews_corrcoef
from torch import Tensor


def soft() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 1, 4, 5, generator=generator, dtype=torch.double)
    return logits, torch.randint(2, (3, 1, 4, 5), generator=generator).double()


def test_of_hard_answers_it_is_one_minus_scikit_learns() -> None:
    generator = torch.Generator().manual_seed(0)
    answer, target = torch.randint(2, (2, 1, 1, 50), generator=generator)
    expected = 1 - matthews_corrcoef(target.flatten(), answer.flatten())
    assert mcc(scores(answer), target).item() == pytest.approx(expected)
    weight = torch.rand(1, 1, 50, generator=generator, dtype=torch.double)
    expected = 1 - matthews_corrcoef(
        target.flatten(), answer.flatten(), sample_weight=weight.flatten()
    )
    assert mcc(scores(answer), target, weight).item() == pytest.approx(expected)


def test_it_is_the_formula_of_the_soft_confusion_matrix() -> None:
    logits, target = soft()
    p, y = logits.sigmoid().flatten(1), target.flatten(1)
    tp, tn = (p * y).sum(1), ((1 - p) * (1 - y)).sum(1)
    fp, fn = (p * (1 - y)).sum(1), ((1 - p) * y).sum(1)
    root = ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)).sqrt()
    torch.testing.assert_close(mcc(logits, target), 1 - (tp * tn - fp * fn) / root)
    smooth = 20.0 * 0.5  # in pixels, of which there are 20
    expected = 1 - (tp * tn - fp * fn + smooth) / (root + smooth)
    torch.testing.assert_close(mcc(logits, target, smooth=0.5), expected)


def test_foreground_and_background_may_be_exchanged() -> None:
    logits, target = soft()
    torch.testing.assert_close(mcc(-logits, 1 - target), mcc(logits, target))
    torch.testing.assert_close(mcc(logits, 1 - target), 2 - mcc(logits, target))


def test_it_ranges_from_the_mask_to_its_opposite_and_is_one_for_a_constant() -> None:
    mask = torch.tensor([[[1.0, 1, 0, 0, 0]]]).double()
    values = [mcc(logits, mask).item() for logits in (scores(mask), 0 * mask - 2, -scores(mask))]
    assert values == pytest.approx([0, 1, 2], abs=1e-12)


@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_saturated_constant_answer_is_worth_one_with_a_finite_gradient(
    size: float, dtype: torch.dtype
) -> None:
    logits = torch.full((1, 1, 4), size, dtype=dtype, requires_grad=True)
    value = mcc(logits, torch.tensor([[[1.0, 0, 0, 0]]]))
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert value.item() == 1
    assert gradient.isfinite().all()


def test_a_class_that_fills_the_image_can_not_be_judged_either() -> None:
    logits, target = soft()
    target[1] = 1
    kept = torch.tensor([0, 2])
    value = mcc(logits, target)
    assert value[1] == 0
    torch.testing.assert_close(value.mean(), mcc(logits[kept], target[kept]).mean())
    assert mcc(logits, target, empty="zero")[1] == 0
    missed = 1 - logits[1].sigmoid().mean()
    torch.testing.assert_close(mcc(logits, target, empty="penalise")[1], missed)


def test_rounded_weights_of_a_full_image_leave_no_trace_of_background() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 2, 40_000, generator=generator)
    weight = torch.rand(1, 40_000, generator=generator)
    assert mcc(logits[:, :1], torch.ones(1, 1, 40_000), weight).item() == 0
    assert mcc(logits, torch.ones(1, 40_000, dtype=torch.int64), weight).item() == 0


def test_one_pixel_in_a_quarter_of_a_million_is_enough() -> None:
    target = torch.ones(1, 1, 512, 512)
    target[..., 0, 0] = 0
    assert mcc(20 * (2 * target - 1), target).item() == pytest.approx(0, abs=1e-2)


def test_over_a_batch_it_is_segmentation_models_pytorchs(smp: Any) -> None:
    logits, target = soft()
    peer = smp.MCCLoss(eps=0.0)(logits.sigmoid(), target)
    torch.testing.assert_close(mcc(logits, target, per="batch"), peer)
