"""Focal losses: closed forms, MONAI 1.6.1, kornia 0.9.0, smp 0.6.0, and what they keep."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from loss_tools import gradient_of, kept_bytes
from losslab.losses import asymmetric, bce, cross_entropy, focal, poly1, sigmoid_focal
from torch import Tensor

LOGITS = torch.tensor([[-1.5], [0.0], [0.7], [3.0]]).double()
CLASS_LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.9], [-2.0, 0.1, 3.0]]).double()
SOFT = torch.tensor([[0.0], [1.0], [0.4], [0.0]]).double()


# focal


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_focal_of_one_channel_is_the_papers_formula(y: float, gamma: float) -> None:
    p = LOGITS.sigmoid()
    expected = -y * (1 - p) ** gamma * p.log() - (1 - y) * p**gamma * (1 - p).log()
    values = focal(LOGITS, torch.full_like(LOGITS, y), gamma=gamma)
    torch.testing.assert_close(values, expected)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_of_classes_is_the_papers_formula(gamma: float) -> None:
    target = torch.tensor([0, 2, 1])
    p = CLASS_LOGITS.softmax(1)[torch.arange(3), target]
    torch.testing.assert_close(
        focal(CLASS_LOGITS, target, gamma=gamma), -((1 - p) ** gamma) * p.log()
    )


def test_focal_with_gamma_zero_is_cross_entropy() -> None:
    target = torch.tensor([0, 2, 1])
    torch.testing.assert_close(
        focal(CLASS_LOGITS, target, gamma=0.0), cross_entropy(CLASS_LOGITS, target)
    )
    binary = torch.tensor([[0.0], [1], [0.4], [0]]).double()
    torch.testing.assert_close(focal(LOGITS, binary, gamma=0.0), bce(LOGITS, binary))


def test_focal_of_one_channel_is_that_of_two_classes() -> None:
    target = torch.tensor([[0], [1], [1], [0]])
    two = torch.cat([torch.zeros_like(LOGITS), LOGITS], 1)
    torch.testing.assert_close(
        focal(LOGITS, target, alpha=0.3).squeeze(1),
        focal(two, target.squeeze(1), alpha=[0.7, 0.3]),
    )


def test_focal_weighs_a_good_answer_a_hundred_times_less() -> None:
    logits, target = torch.logit(torch.tensor([[0.9]]).double()), torch.ones(1, 1)
    share = focal(logits, target) / bce(logits, target)
    assert share.item() == pytest.approx(0.01)


def test_focal_alpha_weighs_class_one_and_its_rest_class_zero() -> None:
    target = torch.tensor([[0.0], [1], [1], [0]]).double()
    weight = torch.tensor([[0.75], [0.25], [0.25], [0.75]]).double()
    torch.testing.assert_close(focal(LOGITS, target, alpha=0.25), weight * focal(LOGITS, target))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "classes"])
def test_focal_has_two_finite_derivatives_where_it_saturates(gamma: float, binary: bool) -> None:
    sizes = [0.0, 1.0, 20.0, 100.0, 1e4]
    rows = [[s * z for z in ([1.0] if binary else [1.0, 0.0, -1.0])] for s in sizes]
    for logits, label in product((torch.tensor(rows), -torch.tensor(rows)), (0, 1)):
        leaf = logits.clone().requires_grad_()
        target = torch.full((5, 1) if binary else (5,), label)
        (gradient,) = torch.autograd.grad(
            focal(leaf, target, gamma=gamma).sum(), leaf, create_graph=True
        )
        (second,) = torch.autograd.grad(gradient.sum(), leaf)
        assert gradient.isfinite().all()
        assert second.isfinite().all()


def test_focal_keeps_its_gradient_where_it_is_confidently_wrong() -> None:
    logits = torch.tensor([[-1e4]], requires_grad=True)
    (gradient,) = torch.autograd.grad(focal(logits, torch.ones(1, 1)).sum(), logits)
    assert gradient.item() == -1.0


@pytest.mark.parametrize(
    ("classes", "options", "text"),
    [
        (1, {"gamma": -1}, "gamma must be at least 0; got -1"),
        (1, {"alpha": [0.1, 0.9]}, r"with one channel alpha must be one number.* got \[0.1, 0.9\]"),
        (1, {"alpha": torch.ones(2)}, "with one channel alpha must be one number"),
        (1, {"alpha": 1.5}, r"alpha must be in \[0, 1\]; got 1.5"),
        (3, {"alpha": 0.25}, "with several channels alpha must be one number per class; got 0.25"),
        (3, {"alpha": [0.5, 0.5]}, r"alpha needs 3 numbers, one per class; got \[0.5, 0.5\]"),
    ],
    ids=["gamma", "list", "tensor", "range", "scalar", "length"],
)
def test_focal_refuses_options_that_do_not_fit(
    classes: int, options: dict[str, object], text: str
) -> None:
    logits = torch.zeros(2, classes)
    target = torch.zeros(2, 1) if classes == 1 else torch.zeros(2).long()
    with pytest.raises(ValueError, match=text):
        focal(logits, target, **options)


def test_focal_gradient_is_the_formula_of_its_docstring() -> None:
    target, gamma = torch.tensor([0, 2, 1]), 1.5
    p = CLASS_LOGITS.softmax(1).gather(1, target.unsqueeze(1))
    factor = (1 - p) ** gamma - gamma * p * (1 - p) ** (gamma - 1) * p.log()
    torch.testing.assert_close(
        gradient_of(lambda z: focal(z, target, gamma=gamma), CLASS_LOGITS),
        factor * (CLASS_LOGITS.softmax(1) - F.one_hot(target, 3)),
    )


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_estimates_the_most_probable_class_less_extremely(gamma: float) -> None:
    p = torch.linspace(0.01, 0.99, 99).double()
    logits, ones = torch.logit(p).unsqueeze(1), torch.ones(99, 1).double()
    risk = 0.8 * focal(logits, ones, gamma=gamma) + 0.2 * focal(logits, 0 * ones, gamma=gamma)
    assert 0.5 < p[risk.argmin()] < 0.8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_focal_of_a_right_answer_is_as_small_as_the_formula_says(dtype: torch.dtype) -> None:
    logits = torch.tensor([[5.0, 0.0, 0.0]]).double()
    p = logits.softmax(1)[0, 0]
    values = focal(logits.to(dtype), torch.tensor([0]), gamma=0.5)
    torch.testing.assert_close(values.double()[0], -((1 - p).sqrt()) * p.log(), rtol=1e-5, atol=0)


def test_focal_of_many_improbable_classes_estimates_a_trace_more_extremely() -> None:
    """One class of 6 %, nineteen that share the rest: only the first's probability is free."""
    p = torch.linspace(0.05, 0.07, 2001).double()
    logits = torch.cat([p.unsqueeze(1), ((1 - p) / 19).unsqueeze(1).expand(-1, 19)], 1).log()
    first, second = torch.zeros(2001).long(), torch.ones(2001).long()
    risk = 0.06 * focal(logits, first) + 0.94 * focal(logits, second)
    assert 0.06 < p[risk.argmin()] < 0.061


def test_focal_of_classes_agrees_with_kornia_per_pixel(kornia: Any) -> None:
    target = torch.tensor([0, 2, 1])  # kornia: one value per class, 0 for all but the true
    per_class = kornia.focal_loss(CLASS_LOGITS, target, alpha=None, gamma=2.0)
    torch.testing.assert_close(focal(CLASS_LOGITS, target), per_class.sum(1))


def test_focal_of_classes_is_more_than_monai_and_kornia_give_in_a_mean_over_classes(
    monai: Any, kornia: Any
) -> None:
    function = monai.FocalLoss(use_softmax=True, to_onehot_y=True)
    target = torch.tensor([0, 2, 1])
    value = focal(CLASS_LOGITS.float(), target).mean()
    torch.testing.assert_close(value, 3 * function(CLASS_LOGITS, target.unsqueeze(1)))
    mean = kornia.focal_loss(CLASS_LOGITS.float(), target, alpha=None, reduction="mean")
    torch.testing.assert_close(value, 3 * mean)


def test_smps_focal_of_classes_is_sigmoid_focal_and_has_no_error_for_a_wrong_label(
    smp: Any,
) -> None:
    function, logits = smp.FocalLoss("multiclass"), CLASS_LOGITS.unsqueeze(2)
    one_hot = F.one_hot(torch.tensor([0, 2, 1]), 3)
    expected = sigmoid_focal(CLASS_LOGITS, one_hot).mean()
    torch.testing.assert_close(function(logits, torch.tensor([[0], [2], [1]])), expected)
    one_hot[1] = 0  # what smp makes of a class 9
    expected = sigmoid_focal(CLASS_LOGITS, one_hot).mean()
    torch.testing.assert_close(function(logits, torch.tensor([[0], [9], [1]])), expected)


# What is kept for the backward pass


@pytest.mark.parametrize("loss", [cross_entropy, focal, poly1], ids=lambda f: f.__name__)
def test_losses_of_classes_keep_little_beside_the_log_probabilities(
    loss: Callable[..., Tensor],
) -> None:
    logits, target = torch.randn(2, 21, 16, 16), torch.randint(21, (2, 16, 16))
    kept = kept_bytes(loss, logits, target)
    assert sum(kept.values()) <= 1.2 * logits.untyped_storage().nbytes()


@pytest.mark.parametrize(
    "loss", [focal, sigmoid_focal, asymmetric, poly1], ids=lambda f: f.__name__
)
def test_losses_of_one_channel_keep_one_tensor_beside_their_inputs(
    loss: Callable[..., Tensor],
) -> None:
    logits, target = torch.randn(2, 1, 16, 16), torch.rand(2, 1, 16, 16)
    kept = kept_bytes(loss, logits, target)
    inputs = {x.untyped_storage().data_ptr() for x in (logits, target)}
    beside = sum(size for pointer, size in kept.items() if pointer not in inputs)
    assert beside == logits.untyped_storage().nbytes()


# sigmoid_focal


@pytest.mark.parametrize("alpha", [None, 0.25])
def test_sigmoid_focal_is_focal_of_every_channel(alpha: float | None) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, generator=generator).double()
    target = torch.rand(4, 3, generator=generator).double()
    values = sigmoid_focal(logits, target, alpha=alpha)
    for channel in range(3):
        one = slice(channel, channel + 1)
        expected = focal(logits[:, one], target[:, one], alpha=alpha)
        torch.testing.assert_close(values[:, one], expected)


def test_sigmoid_focal_with_gamma_zero_is_bce() -> None:
    torch.testing.assert_close(sigmoid_focal(LOGITS, SOFT, gamma=0.0), bce(LOGITS, SOFT))


def test_sigmoid_focal_is_monais(monai: Any) -> None:
    function = monai.FocalLoss(gamma=2.0, alpha=0.25, reduction="none")
    target = torch.tensor([[0.0], [1], [1], [0]]).double()
    values = sigmoid_focal(LOGITS.float(), target.float(), alpha=0.25)
    torch.testing.assert_close(values, function(LOGITS, target))


def test_sigmoid_focal_gradient_is_the_formula_of_its_docstring() -> None:
    p, gamma = LOGITS.sigmoid(), 1.5
    torch.testing.assert_close(
        gradient_of(lambda z: sigmoid_focal(z, torch.ones_like(z), gamma=gamma), LOGITS),
        (1 - p) ** gamma * (gamma * p * p.log() + p - 1),
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"gamma": -1}, "gamma must be at least 0; got -1"),
        ({"alpha": 2}, r"alpha must be in \[0, 1\]; got 2"),
    ],
    ids=["gamma", "alpha"],
)
def test_sigmoid_focal_refuses_options_out_of_range(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        sigmoid_focal(LOGITS, SOFT, **options)


# asymmetric


@pytest.mark.parametrize("clip", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_asymmetric_is_the_papers_formula(y: float, clip: float) -> None:
    p = LOGITS.sigmoid()
    shifted = (p - clip).clamp(min=0)
    expected = -y * (1 - p) ** 1.5 * p.log() - (1 - y) * shifted**4 * (1 - shifted).log()
    values = asymmetric(LOGITS, torch.full_like(LOGITS, y), gamma_pos=1.5, clip=clip)
    torch.testing.assert_close(values, expected)


def test_asymmetric_with_equal_gammas_and_no_clip_is_sigmoid_focal() -> None:
    torch.testing.assert_close(
        asymmetric(LOGITS, SOFT, gamma_neg=1.5, gamma_pos=1.5, clip=0.0),
        sigmoid_focal(LOGITS, SOFT, gamma=1.5),
    )


def test_asymmetric_without_gammas_and_clip_is_bce() -> None:
    values = asymmetric(LOGITS, SOFT, gamma_neg=0.0, gamma_pos=0.0, clip=0.0)
    torch.testing.assert_close(values, bce(LOGITS, SOFT))


def test_asymmetric_forgives_what_is_below_the_clip_and_fades_where_surely_wrong() -> None:
    logits = torch.tensor([[-9.0], [torch.logit(torch.tensor(0.049))], [1.0], [30.0]]).double()
    none = torch.zeros_like(logits)
    assert asymmetric(logits, none)[:2].flatten().tolist() == [0, 0]
    slope = gradient_of(asymmetric, logits, none).flatten()
    assert slope[:2].tolist() == [0, 0]
    assert slope[2] > 0.1
    assert slope[3] < 1e-10
    assert asymmetric(logits, none)[3].item() == pytest.approx(
        -(0.95**4) * torch.tensor(0.05).log()
    )


def test_asymmetric_gamma_neg_acts_where_the_label_does_not_hold() -> None:
    ones = torch.ones_like(LOGITS)
    of_ones = [asymmetric(LOGITS, ones, gamma_neg=g) for g in (1.0, 4.0)]
    torch.testing.assert_close(*of_ones, rtol=0, atol=0)
    gentle, plain = (asymmetric(LOGITS, 0 * ones, gamma_neg=g) for g in (4.0, 1.0))
    assert (gentle < plain).all()


@pytest.mark.parametrize("clip", [0.0, 0.05])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 4.0])
def test_asymmetric_has_two_finite_derivatives_where_it_saturates(
    gamma: float, clip: float
) -> None:
    for size, label in product([0.0, 1.0, 20.0, 100.0, 1e4], (0.0, 1.0)):
        leaf = torch.tensor([[size], [-size]], requires_grad=True)
        target = torch.full((2, 1), label)
        values = asymmetric(leaf, target, gamma_neg=gamma, gamma_pos=gamma, clip=clip)
        (gradient,) = torch.autograd.grad(values.sum(), leaf, create_graph=True)
        (second,) = torch.autograd.grad(gradient.sum(), leaf)
        assert gradient.isfinite().all()
        assert second.isfinite().all()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"gamma_neg": -1}, "gamma_neg must be at least 0; got -1"),
        ({"gamma_pos": -1}, "gamma_pos must be at least 0; got -1"),
        ({"clip": 1.0}, r"clip must be in \[0, 1\); got 1.0"),
    ],
    ids=["gamma_neg", "gamma_pos", "clip"],
)
def test_asymmetric_refuses_options_out_of_range(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        asymmetric(LOGITS, SOFT, **options)
