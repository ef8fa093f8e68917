"""Lovász: its definition by sets, and the Jaccard index that it extends."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import jaccard, lovasz
from torch import Tensor


def jaccard_loss(wrong: set[int], mask: set[int]) -> float:
    """1 − IoU of the answer that is wrong in those pixels and right in all others."""
    answer = mask ^ wrong
    return 1 - len(answer & mask) / len(answer | mask)


def by_definition(errors: list[float], mask: set[int]) -> float:
    """Lovász 1983: the errors in descending order, times the steps of the set function."""
    order = sorted(range(len(errors)), key=lambda pixel: -errors[pixel])
    value = 0.0
    for k in range(len(order)):
        step = jaccard_loss({*order[: k + 1]}, mask) - jaccard_loss({*order[:k]}, mask)
        value += errors[order[k]] * step
    return value


def drawn(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(*shape, generator=generator, dtype=torch.double)
    target = torch.randint(2, shape, generator=generator).double()
    target.flatten(1)[:, 0] = 1
    return logits, target


LOGITS, TARGET = drawn(2, 1, 3, 4)
CLASS_LOGITS = torch.randn(2, 3, 12, generator=torch.Generator().manual_seed(1)).double()
CLASSES = torch.arange(24).reshape(2, 12) % 3


def test_hinge_errors_by_the_definition() -> None:
    expected = [
        by_definition(
            F.relu(1 - (2 * y - 1) * z).flatten().tolist(), {*y.flatten().nonzero()[:, 0].tolist()}
        )
        for z, y in zip(LOGITS, TARGET, strict=True)
    ]
    torch.testing.assert_close(lovasz(LOGITS, TARGET), torch.tensor(expected).double())


def test_softmax_errors_by_the_definition() -> None:
    p = CLASS_LOGITS.softmax(1)
    expected = [
        [
            by_definition(
                ((y == c).double() - q[c]).abs().tolist(), {*(y == c).nonzero()[:, 0].tolist()}
            )
            for c in range(3)
        ]
        for q, y in zip(p, CLASSES, strict=True)
    ]
    by_class = torch.tensor(expected).double()
    torch.testing.assert_close(lovasz(CLASS_LOGITS, CLASSES), by_class.mean(1))
    torch.testing.assert_close(
        lovasz(CLASS_LOGITS, CLASSES, class_weight=[1, 2, 5]),
        (by_class * torch.tensor([1, 2, 5])).sum(1) / 8,
    )
    torch.testing.assert_close(lovasz(CLASS_LOGITS, CLASSES, exclude=[0]), by_class[:, 1:].mean(1))


def test_it_is_segmentation_models_pytorchs(smp: Any) -> None:
    logits, target, class_logits = LOGITS.float(), TARGET.float(), CLASS_LOGITS.float()
    for per in ("image", "batch"):
        binary = smp.LovaszLoss("binary", per_image=per == "image")
        expected = binary(logits, target)
        torch.testing.assert_close(lovasz(logits, target, per=per).mean(), expected)
        classes = smp.LovaszLoss("multiclass", per_image=per == "image")
        expected = classes(class_logits.unsqueeze(3), CLASSES.unsqueeze(2))
        torch.testing.assert_close(lovasz(class_logits, CLASSES, per=per).mean(), expected)


def test_where_every_error_is_0_or_1_it_is_the_jaccard_loss() -> None:
    one_hot = 200 * F.one_hot(CLASSES.roll(2, 1), 3).movedim(2, 1).double()
    torch.testing.assert_close(lovasz(one_hot, CLASSES), jaccard(one_hot, CLASSES))
    sign = 2 * TARGET - 1
    right = torch.arange(12).reshape(3, 4) % 3 > 0
    scores = torch.where(right, sign, 0)  # hinge errors of 0 and 1
    answer = torch.where(right, TARGET, 1 - TARGET)
    torch.testing.assert_close(lovasz(scores, TARGET), jaccard(200 * (2 * answer - 1), TARGET))


def test_each_label_is_a_mask_of_its_own() -> None:
    logits, target = drawn(2, 3, 7)
    apart = torch.stack([lovasz(logits[:, c : c + 1], target[:, c : c + 1]) for c in range(3)])
    target_has_all = (target.sum(2) > 0).all()
    assert target_has_all
    torch.testing.assert_close(lovasz(logits, target), apart.mean(0))


def test_it_is_convex_in_the_errors_and_so_in_the_hinges_scores() -> None:
    for seed in range(20):
        other, _ = drawn(2, 1, 3, 4, seed=seed)
        middle = lovasz((LOGITS + other) / 2, TARGET)
        assert (middle <= (lovasz(LOGITS, TARGET) + lovasz(other, TARGET)) / 2 + 1e-12).all()


def test_over_a_batch_the_images_are_one() -> None:
    together = LOGITS.reshape(1, 1, -1), TARGET.reshape(1, 1, -1)
    torch.testing.assert_close(lovasz(LOGITS, TARGET, per="batch"), lovasz(*together)[0])


def test_a_wrong_answer_keeps_its_gradient_and_one_beyond_the_margin_has_none() -> None:
    logits = torch.tensor([[[-1e4, 5.0, -5.0, 1e4]]], requires_grad=True)
    lovasz(logits, torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])).sum().backward()
    # Pixel 0 is missed: the union stays 2, the intersection falls by 1. Then pixel 3: I/U from
    # 1/2 to 1/3.
    torch.testing.assert_close(logits.grad, torch.tensor([[[-1 / 2, 0, 0, 1 / 6]]]))


def test_a_false_positive_has_no_gradient_while_the_whole_mask_is_missed_by_more() -> None:
    logits = torch.tensor([[[-5.0, 2.0, -9.0]]], requires_grad=True)
    lovasz(logits, torch.tensor([[[1.0, 0.0, 0.0]]])).sum().backward()
    assert logits.grad.tolist() == [[[-1, 0, 0]]]


def test_steps_over_a_million_pixels_are_exact_in_single_precision() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 1, 2**20, generator=generator)
    target = (torch.rand(1, 1, 2**20, generator=generator) < 0.3).float()
    single, double = logits.clone().requires_grad_(), logits.double().requires_grad_()
    lovasz(single, target).backward()
    lovasz(double, target.double()).backward()
    largest = double.grad.abs().max()
    assert ((single.grad - double.grad).abs().max() / largest).item() < 1e-5


# Weights, and what is left out


def test_a_pixel_of_weight_two_counts_like_two_pixels() -> None:
    logits, target = LOGITS.flatten(2), TARGET.flatten(2)
    twice = torch.tensor([0, 0, *range(1, 12)])
    weight = torch.ones(2, 12).double().index_fill(1, torch.tensor([0]), 2)
    torch.testing.assert_close(
        lovasz(logits, target, weight), lovasz(logits[..., twice], target[..., twice])
    )


def test_pixels_of_weight_zero_are_left_out() -> None:
    weight = (torch.arange(12).reshape(3, 4) % 4 < 3).double().expand(2, 3, 4)
    torch.testing.assert_close(
        lovasz(LOGITS, TARGET, weight), lovasz(LOGITS[..., :3], TARGET[..., :3])
    )


def test_a_class_without_a_pixel() -> None:
    # Class 2 is in no target pixel; the answer gives it a probability of 1/2 once, elsewhere 0.
    p = torch.tensor([[[1, 0.5, 0], [0, 0, 1], [0, 0.5, 0]]]).double()
    logits, target = (p + 1e-80).log(), torch.tensor([[0, 0, 1]])
    of_0 = by_definition([0.0, 0.5, 0.0], {0, 1})
    assert lovasz(logits, target).item() == pytest.approx(of_0 / 2)
    assert lovasz(logits, target, empty="zero").item() == pytest.approx(of_0 / 3)
    assert lovasz(logits, target, empty="penalise").item() == pytest.approx((of_0 + 0.5) / 3)


def test_an_image_without_a_target() -> None:
    nothing = torch.zeros_like(TARGET)
    logits = LOGITS.clone().requires_grad_()
    value = lovasz(logits, nothing).sum()
    assert value == 0
    (gradient,) = torch.autograd.grad(value, logits)
    assert (gradient == 0).all()
    worst = F.relu(1 + LOGITS).flatten(1).amax(1)
    torch.testing.assert_close(lovasz(LOGITS, nothing, empty="penalise"), worst)
    half = torch.cat([TARGET, nothing])
    torch.testing.assert_close(
        lovasz(torch.cat([LOGITS, LOGITS]), half).mean(), lovasz(LOGITS, TARGET).mean()
    )


# Errors


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"per": "pixel"}, "per must be one of image, batch; got pixel"),
        ({"empty": "nan"}, "empty must be one of skip, zero, penalise; got nan"),
        ({"exclude": [0]}, r"exclude must name some of the classes 0…0, not all; got \[0\]"),
        ({"class_weight": [1.0, 2.0]}, r"class_weight needs 1 numbers, .* got \[1.0, 2.0\]"),
        ({"weight": torch.ones(3)}, r"weight of shape \(3,\) does not fit .* \(2, 1, 3, 4\)"),
    ],
    ids=["per", "empty", "exclude", "class_weight", "weight"],
)
def test_options_that_do_not_fit_are_an_error(options: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        lovasz(LOGITS, TARGET, **options)


def test_a_target_of_another_shape_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"target.unsqueeze\(1\)"):
        lovasz(LOGITS, TARGET.squeeze(1))
    with pytest.raises(ValueError, match="need integer class indices"):
        lovasz(CLASS_LOGITS, CLASSES.double())
