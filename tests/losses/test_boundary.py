"""Boundary and Hausdorff losses: the distance maps of the papers, and MONAI 1.6.1."""

from typing import Any

import numpy as np
import pytest
import torch
from losslab.losses import boundary, hausdorff_dt
from scipy.ndimage import distance_transform_edt
from torch import Tensor


def drawn(*shape: int) -> tuple[Tensor, Tensor]:
    """Logits, and targets with one box each."""
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    target = torch.zeros(shape).double()
    for image, mask in enumerate(target):
        mask[:, 1 : 3 + image, 2 : 5 + image] = 1
    return logits, target


LOGITS, TARGET = drawn(2, 1, 7, 8)
CLASS_LOGITS = torch.randn(2, 3, 6, 7, generator=torch.Generator().manual_seed(1)).double()
CLASSES = torch.zeros(2, 6, 7).long()
CLASSES[:, 1:3, 2:6] = 1
CLASSES[:, 4:, 4:] = 2
BOTH = pytest.mark.parametrize("loss", [boundary, hausdorff_dt], ids=lambda f: f.__name__)


def level_set(mask: Tensor) -> Tensor:
    """Kervadec's `one_hot2dist` by scipy 1.17.1: outside positive, the rim of the mask 0."""
    inside = mask.numpy().astype(bool)
    return torch.from_numpy(
        distance_transform_edt(~inside) * ~inside - (distance_transform_edt(inside) - 1) * inside
    )


def to_boundary(mask: Tensor) -> Tensor:
    inside = mask.numpy().astype(bool)
    return torch.from_numpy(distance_transform_edt(~inside) + distance_transform_edt(inside))


# Boundary


def test_boundary_is_the_mean_of_the_level_set_times_the_probability() -> None:
    p = LOGITS.sigmoid()
    expected = [(level_set(y[0]) * q[0]).mean() for y, q in zip(TARGET, p, strict=True)]
    torch.testing.assert_close(boundary(LOGITS, TARGET), torch.stack(expected))
    p = CLASS_LOGITS.softmax(1)
    by_class = torch.tensor(
        [
            [(level_set(y == c) * q[c]).mean() for c in range(3)]
            for y, q in zip(CLASSES, p, strict=True)
        ]
    )
    torch.testing.assert_close(boundary(CLASS_LOGITS, CLASSES), by_class.mean(1))
    torch.testing.assert_close(
        boundary(CLASS_LOGITS, CLASSES, exclude=[0]), by_class[:, 1:].mean(1)
    )


def test_boundary_is_lowest_at_the_target() -> None:
    value = boundary(200 * (2 * TARGET - 1), TARGET)
    expected = [(level_set(y[0]) * y[0]).mean() for y in TARGET]
    torch.testing.assert_close(value, torch.stack(expected))
    for seed in range(5):
        other = 9 * torch.randn(LOGITS.shape, generator=torch.Generator().manual_seed(seed))
        assert (boundary(other.double(), TARGET) > value).all()


def test_a_mask_that_is_all_rim_is_worth_no_more_than_nothing() -> None:
    line = torch.zeros(1, 1, 5, 6).double()
    line[:, :, 2] = 1
    assert boundary(1e4 * (2 * line - 1), line).item() == 0
    assert boundary(torch.full_like(line, -1e4), line).item() == 0


def test_the_gradient_of_boundary_is_the_level_set_times_the_slope() -> None:
    logits = LOGITS.clone().requires_grad_()
    boundary(logits, TARGET).sum().backward()
    p = LOGITS.sigmoid()
    levels = torch.stack([level_set(y[0]) for y in TARGET]).unsqueeze(1)
    torch.testing.assert_close(logits.grad, levels * p * (1 - p) / 56)


def test_a_class_that_is_everywhere_has_no_boundary() -> None:
    full = torch.ones_like(TARGET)
    assert boundary(LOGITS, full).tolist() == [0, 0]
    half = torch.cat([TARGET[:1], full[:1]])
    value = boundary(LOGITS, half)
    torch.testing.assert_close(value.mean(), boundary(LOGITS[:1], TARGET[:1]).mean())


# Hausdorff


def test_hausdorff_by_the_formula() -> None:
    p = LOGITS.sigmoid()
    for alpha in (1.0, 2.0):
        expected = [
            ((q - y) ** 2 * (to_boundary(y[0]) ** alpha + to_boundary(q[0] > 0.5) ** alpha)).mean()
            for q, y in zip(p, TARGET, strict=True)
        ]
        found = hausdorff_dt(LOGITS, TARGET, alpha=alpha)
        torch.testing.assert_close(found, torch.stack(expected))


@pytest.mark.parametrize("shape", [(2, 1, 7, 8), (2, 1, 7, 8, 4)], ids=["2d", "3d"])
def test_hausdorff_is_monais(monai: Any, shape: tuple[int, ...]) -> None:
    logits, target = drawn(*shape)
    expected = monai.HausdorffDTLoss(sigmoid=True, include_background=True)(logits, target)
    torch.testing.assert_close(
        hausdorff_dt(logits, target).mean(), expected.double(), rtol=1e-6, atol=0
    )


def test_hausdorff_of_classes_is_monais(monai: Any) -> None:
    one_hot = torch.nn.functional.one_hot(CLASSES, 3).movedim(-1, 1).double()
    peer = monai.HausdorffDTLoss(softmax=True, include_background=True, reduction="none")
    expected = peer(CLASS_LOGITS, one_hot)
    torch.testing.assert_close(
        hausdorff_dt(CLASS_LOGITS, CLASSES), expected.flatten(1).mean(1).double(), rtol=1e-6, atol=0
    )


def test_hausdorff_of_a_soft_target_is_least_at_the_target() -> None:
    soft = 0.8 * TARGET + 0.1
    assert hausdorff_dt(torch.logit(soft), soft).abs().max() < 1e-25
    assert (hausdorff_dt(LOGITS, soft) > 0).all()


def test_the_distances_of_the_answer_carry_no_gradient() -> None:
    logits = LOGITS.clone().requires_grad_()
    hausdorff_dt(logits, TARGET).sum().backward()
    p = LOGITS.sigmoid()
    cost = [
        to_boundary(y[0]) ** 2 + to_boundary(q[0] > 0.5) ** 2
        for y, q in zip(TARGET, p, strict=True)
    ]
    slope = 2 * (p - TARGET) * torch.stack(cost).unsqueeze(1) * p * (1 - p)
    torch.testing.assert_close(logits.grad, slope / 56)


def test_the_constant_that_minimises_hausdorff_is_the_mean_of_soft_targets() -> None:
    # One pixel seen in four images, on the boundary of the same surroundings.
    surroundings = torch.tensor([0.0, 1.0]).repeat(4, 1).double()
    target = torch.cat([surroundings, torch.tensor([[0.9], [0.6], [0.8], [0.7]]).double()], 1)
    grid = torch.linspace(0.55, 0.95, 401).double()
    others = (200 * (2 * surroundings - 1)).unsqueeze(0).expand(401, 4, 2)
    logits = torch.cat([others, grid.logit().reshape(401, 1, 1).expand(401, 4, 1)], 2)
    values = [hausdorff_dt(z.unsqueeze(1), target.unsqueeze(1)).mean() for z in logits]
    assert grid[torch.stack(values).argmin()].item() == pytest.approx(0.75, abs=1e-3)


def test_where_an_answer_has_no_boundary_the_targets_distances_remain() -> None:
    p = torch.full_like(LOGITS, -2.0).sigmoid()
    expected = [
        ((q - y) ** 2 * to_boundary(y[0]) ** 2).mean() for q, y in zip(p, TARGET, strict=True)
    ]
    found = hausdorff_dt(torch.full_like(LOGITS, -2.0), TARGET)
    torch.testing.assert_close(found, torch.stack(expected))


# Both


@BOTH
def test_a_far_error_costs_more_than_a_close_one(loss) -> None:
    target = torch.zeros(1, 1, 1, 9).double()
    target[..., 6:] = 1
    values = []
    for wrong in range(6):
        answer = target.clone()
        answer[..., wrong] = 1
        values.append(loss(200 * (2 * answer - 1), target).item())
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 6


@BOTH
def test_distances_are_in_units_of_the_spacing(loss) -> None:
    power = 1 if loss is boundary else 2
    scaled = loss(LOGITS, TARGET, spacing=[3, 3])
    torch.testing.assert_close(scaled, 3**power * loss(LOGITS, TARGET))
    line, mask = LOGITS[:, :, 1], TARGET[:, :, 1]  # one line of pixels
    torch.testing.assert_close(
        loss(line.unsqueeze(2), mask.unsqueeze(2), spacing=[9.0, 1.0]), loss(line, mask)
    )


@BOTH
def test_pixels_of_weight_zero_have_no_side(loss) -> None:
    hidden = TARGET[:, :, 0] + 1  # says something else, where nothing counts
    spoilt = torch.cat([hidden.unsqueeze(2).clamp(max=1), TARGET], 2)
    logits = torch.cat([9 * hidden.unsqueeze(2), LOGITS], 2)
    weight = torch.ones(2, 8, 8).double()
    weight[:, 0] = 0
    torch.testing.assert_close(loss(logits, spoilt, weight), loss(LOGITS, TARGET))


def test_pixel_weights_stand_inside_the_means() -> None:
    weight = torch.rand(2, 7, 8, generator=torch.Generator().manual_seed(0)).double() + 0.1
    p = LOGITS.sigmoid()
    importance = weight.mean((1, 2)) / weight.mean()
    levels = torch.stack([level_set(y[0]) * q[0] for y, q in zip(TARGET, p, strict=True)])
    of_boundary = (weight * levels).sum((1, 2)) / weight.sum((1, 2))
    torch.testing.assert_close(boundary(LOGITS, TARGET, weight), of_boundary * importance)
    costs = torch.stack(
        [
            (q[0] - y[0]) ** 2 * (to_boundary(y[0]) ** 2 + to_boundary(q[0] > 0.5) ** 2)
            for y, q in zip(TARGET, p, strict=True)
        ]
    )
    of_hausdorff = (weight * costs).sum((1, 2)) / weight.sum((1, 2))
    torch.testing.assert_close(hausdorff_dt(LOGITS, TARGET, weight), of_hausdorff * importance)


@BOTH
def test_sample_weights_weigh_the_images(loss) -> None:
    value = loss(LOGITS, TARGET, torch.tensor([3.0, 1.0]))
    torch.testing.assert_close(value, loss(LOGITS, TARGET) * torch.tensor([1.5, 0.5]))


@BOTH
def test_an_image_without_a_target(loss) -> None:
    logits, nothing = LOGITS.clone().requires_grad_(), torch.zeros_like(TARGET)
    value = loss(logits, nothing).sum()
    (gradient,) = torch.autograd.grad(value, logits)
    assert value == 0
    assert (gradient == 0).all()
    torch.testing.assert_close(
        loss(LOGITS, nothing, empty="penalise"), LOGITS.sigmoid().mean((1, 2, 3))
    )
    half = loss(torch.cat([LOGITS, LOGITS]), torch.cat([TARGET, nothing]))
    torch.testing.assert_close(half.mean(), loss(LOGITS, TARGET).mean())


@BOTH
def test_the_boundary_of_a_soft_target_is_at_one_half(loss) -> None:
    soft = 0.9 * TARGET + 0.05
    if loss is boundary:
        torch.testing.assert_close(loss(LOGITS, soft), loss(LOGITS, TARGET))
    else:
        p = LOGITS.sigmoid()
        cost = to_boundary(TARGET[0, 0]) ** 2 + to_boundary(p[0, 0] > 0.5) ** 2
        expected = ((p[0] - soft[0]) ** 2 * cost).mean()
        torch.testing.assert_close(loss(LOGITS, soft)[0], expected)


@BOTH
def test_a_large_volume_in_half_precision_is_finite(loss) -> None:
    logits = torch.full((1, 1, 300, 300), 10.0, dtype=torch.float16, requires_grad=True)
    target = torch.zeros(1, 1, 300, 300, dtype=torch.float16)
    target[..., 0, 0] = 1
    value = loss(logits, target)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    rows = np.hypot(*np.indices((300, 300)))
    assert value.item() == pytest.approx((rows ** (1 if loss is boundary else 2)).mean(), rel=1e-3)
    assert gradient.isfinite().all()


# Errors


@BOTH
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"empty": "nan"}, "empty must be one of skip, zero, penalise; got nan"),
        ({"spacing": [1.0]}, r"spacing needs 2 positive numbers, one per axis; got \[1.0\]"),
        ({"activation": "tanh"}, "activation must be one of auto, softmax, sigmoid; got tanh"),
        ({"class_weight": [1.0, 2.0]}, r"class_weight needs 1 numbers, .* got \[1.0, 2.0\]"),
        ({"weight": torch.ones(3)}, r"weight of shape \(3,\) does not fit .* \(2, 1, 7, 8\)"),
    ],
    ids=["empty", "spacing", "activation", "class_weight", "weight"],
)
def test_options_that_do_not_fit_are_an_error(loss, options, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        loss(LOGITS, TARGET, **options)


@BOTH
def test_tensors_that_do_not_fit_are_an_error(loss) -> None:
    with pytest.raises(ValueError, match=r"target.unsqueeze\(1\)"):
        loss(LOGITS, TARGET.squeeze(1))
    with pytest.raises(ValueError, match=r"a distance needs pixels"):
        loss(LOGITS[:, :, 0, 0], TARGET[:, :, 0, 0])


def test_alpha_must_be_positive() -> None:
    with pytest.raises(ValueError, match="alpha must be positive; got 0"):
        hausdorff_dt(LOGITS, TARGET, alpha=0)
