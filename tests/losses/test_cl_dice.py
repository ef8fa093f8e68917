"""Centreline dice: MONAI 1.6.1, skeletons counted by hand, and what the share of dice does."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from loss_tools import scores
from losslab.losses import cl_dice, dice
from losslab.losses.cl_dice import soft_skeleton
from torch import Tensor


def drawn(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(shape, generator=generator, dtype=torch.double)
    return logits, (torch.rand(shape, generator=generator) < 0.6).double()


LOGITS, TARGET = drawn(2, 1, 9, 11)
TUBE = torch.zeros(1, 1, 9, 20).double()
TUBE[:, :, 2:7] = 1  # five pixels wide, from side to side
MIDDLE = torch.zeros_like(TUBE)
MIDDLE[:, :, 4] = 1


def test_the_skeleton_of_a_tube_is_its_middle() -> None:
    torch.testing.assert_close(soft_skeleton(TUBE, None, 2), MIDDLE)
    assert (soft_skeleton(TUBE, None, 1) == 0).all()  # too few to reach it
    torch.testing.assert_close(soft_skeleton(TUBE.mT, None, 3), MIDDLE.mT)


def test_it_is_one_minus_the_harmonic_mean_of_two_ratios() -> None:
    answer = TUBE.clone()
    answer[..., :8] = 0
    answer[:, :, :, 15:] = 0
    answer[:, :, 7, 10] = 1
    p, y = soft_skeleton(answer, None, 3), soft_skeleton(TUBE, None, 3)
    precision = (p * TUBE).sum() / p.sum()
    sensitivity = (y * answer).sum() / y.sum()
    assert sensitivity == 7 / 20
    expected = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    found = cl_dice(scores(answer), TUBE, alpha=1.0, smooth=0.0)
    torch.testing.assert_close(found.squeeze(), expected)


@pytest.mark.parametrize("shape", [(2, 1, 9, 11), (2, 1, 6, 7, 5)], ids=["2d", "3d"])
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_it_is_monais(monai: Any, shape: tuple[int, ...], alpha: float) -> None:
    logits, target = drawn(*shape)
    peer = monai.SoftDiceclDiceLoss(alpha=alpha, sigmoid=True, smooth=1e-12)
    torch.testing.assert_close(cl_dice(logits, target, alpha=alpha).mean(), peer(logits, target))


def test_without_a_share_of_skeletons_it_is_dice() -> None:
    for smooth in (0.0, 1.0):
        torch.testing.assert_close(
            cl_dice(LOGITS, TARGET, alpha=0.0, smooth=smooth), dice(LOGITS, TARGET, smooth=smooth)
        )
    half = cl_dice(LOGITS, TARGET)
    ends = cl_dice(LOGITS, TARGET, alpha=0.0), cl_dice(LOGITS, TARGET, alpha=1.0)
    torch.testing.assert_close(half, (ends[0] + ends[1]) / 2)


def test_a_gap_costs_more_than_a_rim() -> None:
    gap, thin = TUBE.clone(), TUBE.clone()
    gap[..., 8:12] = 0  # 20 pixels
    thin[:, :, 2] = 0  # 20 pixels
    torch.testing.assert_close(dice(scores(gap), TUBE), dice(scores(thin), TUBE))
    of_gap, of_thin = (cl_dice(scores(m), TUBE, alpha=1.0).item() for m in (gap, thin))
    assert of_gap > 0.08
    assert of_thin == pytest.approx(0, abs=1e-9)


def test_one_axis_and_class_indices() -> None:
    logits = torch.randn(2, 3, 15, generator=torch.Generator().manual_seed(1)).double()
    target = (torch.arange(30).reshape(2, 15) // 4) % 3
    p, y = logits.softmax(1), F.one_hot(target, 3).movedim(-1, 1).double()
    s_p, s_y = soft_skeleton(p, None, 3), soft_skeleton(y, None, 3)
    precision = ((s_p * y).sum(2) + 1) / (s_p.sum(2) + 1)
    sensitivity = ((s_y * p).sum(2) + 1) / (s_y.sum(2) + 1)
    by_class = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    torch.testing.assert_close(cl_dice(logits, target, alpha=1.0), by_class.mean(1))
    torch.testing.assert_close(
        cl_dice(logits, target, alpha=1.0, exclude=[0]), by_class[:, 1:].mean(1)
    )


def test_over_a_batch_the_sums_are_over_all_images() -> None:
    p = LOGITS.sigmoid()
    s_p, s_y = soft_skeleton(p, None, 3), soft_skeleton(TARGET, None, 3)
    precision, sensitivity = (s_p * TARGET).sum() / s_p.sum(), (s_y * p).sum() / s_y.sum()
    expected = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    found = cl_dice(LOGITS, TARGET, alpha=1.0, smooth=0.0, per="batch")
    torch.testing.assert_close(found, expected)


def test_pixels_of_weight_zero_are_not_there() -> None:
    weight = torch.ones(2, 9, 11).double()
    weight[..., 7:] = 0
    torch.testing.assert_close(
        cl_dice(LOGITS, TARGET, weight), cl_dice(LOGITS[..., :7], TARGET[..., :7])
    )


def test_pixel_weights_stand_inside_the_sums() -> None:
    weight = torch.rand(2, 9, 11, generator=torch.Generator().manual_seed(0)).double() + 0.1
    w, p = weight.unsqueeze(1), LOGITS.sigmoid()
    s_p, s_y = soft_skeleton(p, None, 3), soft_skeleton(TARGET, None, 3)
    axes = (1, 2, 3)
    precision = (w * s_p * TARGET).sum(axes) / (w * s_p).sum(axes)
    sensitivity = (w * s_y * p).sum(axes) / (w * s_y).sum(axes)
    by_image = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    importance = weight.mean((1, 2)) / weight.mean()
    torch.testing.assert_close(
        cl_dice(LOGITS, TARGET, weight, alpha=1.0, smooth=0.0), by_image * importance
    )


def test_an_image_without_a_target_is_left_out() -> None:
    logits, nothing = LOGITS.clone().requires_grad_(), torch.zeros_like(TARGET)
    value = cl_dice(logits, nothing).sum()
    (gradient,) = torch.autograd.grad(value, logits)
    assert value == 0
    assert (gradient == 0).all()
    torch.testing.assert_close(
        cl_dice(LOGITS, nothing, empty="penalise"), LOGITS.sigmoid().mean((1, 2, 3))
    )


def test_a_constant_answer_has_no_skeleton_but_a_gradient() -> None:
    logits = torch.zeros_like(TUBE).requires_grad_()
    cl_dice(logits, TUBE, alpha=1.0).sum().backward()
    assert (logits.grad[MIDDLE > 0] < 0).all()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alpha": 1.5}, r"alpha must be in \[0, 1\]; got 1.5"),
        ({"iterations": 0}, "iterations must be a whole number, at least 1; got 0"),
        ({"iterations": 2.5}, "iterations must be a whole number, at least 1; got 2.5"),
        ({"smooth": -1.0}, "smooth must be at least 0; got -1.0"),
        ({"per": "pixel"}, "per must be one of image, batch; got pixel"),
        ({"empty": "nan"}, "empty must be one of skip, zero, penalise; got nan"),
    ],
    ids=str,
)
def test_options_that_do_not_fit_are_an_error(options: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        cl_dice(LOGITS, TARGET, **options)


@pytest.mark.parametrize("shape", [(2, 1), (1, 1, 2, 2, 2, 2)], ids=["no axis", "four axes"])
def test_it_needs_one_to_three_spatial_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cl_dice needs one to three spatial axes; got logits"):
        cl_dice(torch.zeros(shape), torch.zeros(shape))
