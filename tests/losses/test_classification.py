"""Cross-entropies and the Brier score: closed forms, scikit-learn 1.9.1, torch 2.13.0 and peers."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import (
    Term,
    asymmetric,
    bce,
    brier,
    cross_entropy,
    focal,
    generalized_cross_entropy,
    js_divergence,
    kl_divergence,
    nll,
    poly1,
    sigmoid_focal,
    symmetric_cross_entropy,
)
from losslab.losses.names import read_signature
from sklearn.metrics import brier_score_loss, log_loss
from torch import Tensor

LOGITS = torch.tensor([[-1.5], [0.0], [0.7], [3.0]]).double()
CLASS_LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.9], [-2.0, 0.1, 3.0]]).double()


# bce


@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_bce_is_the_textbook_formula(y: float) -> None:
    p = LOGITS.sigmoid()
    expected = -y * p.log() - (1 - y) * (1 - p).log()
    torch.testing.assert_close(bce(LOGITS, torch.full_like(LOGITS, y)), expected)


def test_bce_of_labels_is_scikit_learns_log_loss() -> None:
    target = torch.tensor([[0], [1], [1], [0]])
    expected = log_loss(target.squeeze(1), LOGITS.sigmoid().squeeze(1))
    assert bce(LOGITS, target).mean().item() == pytest.approx(expected, rel=1e-12)


def test_bce_for_labels_of_plus_minus_one_is_the_logistic_loss() -> None:
    target = torch.tensor([[0.0], [1], [1], [0]]).double()
    sign = 2 * target - 1
    torch.testing.assert_close(bce(LOGITS, target), torch.log1p(torch.exp(-sign * LOGITS)))


def test_bce_keeps_its_gradient_where_it_is_confidently_wrong() -> None:
    logits = torch.tensor([[-1e4], [1e4]], requires_grad=True)
    values = bce(logits, torch.tensor([[1.0], [0.0]]))
    assert values.tolist() == [[1e4], [1e4]]
    assert torch.autograd.grad(values.sum(), logits)[0].tolist() == [[-1.0], [1.0]]


def test_bce_pos_weight_weighs_each_channels_positives() -> None:
    logits, target = torch.randn(3, 2, 4, generator=torch.manual_seed(0)), torch.ones(3, 2, 4)
    target[..., 2:] = 0
    expected = bce(logits, target)
    expected[:, 0, :2] *= 5.0
    expected[:, 1, :2] *= 0.5
    torch.testing.assert_close(bce(logits, target, pos_weight=[5.0, 0.5]), expected)
    of_both = bce(logits, target, pos_weight=[3.0, 3.0])
    torch.testing.assert_close(bce(logits, target, pos_weight=3.0), of_both)


def test_bce_smooths_labels_towards_one_half() -> None:
    target = torch.tensor([[0.0], [1], [1], [0]]).double()
    smoothed = torch.tensor([[0.1], [0.9], [0.9], [0.1]]).double()
    torch.testing.assert_close(bce(LOGITS, target, label_smoothing=0.2), bce(LOGITS, smoothed))


def test_bce_smooths_as_keras_and_half_as_much_as_smp(keras: Any, smp: Any) -> None:
    target = torch.tensor([[0.0], [1], [1], [0]])
    value = bce(LOGITS.float(), target, label_smoothing=0.2).mean()
    peer = keras.BinaryCrossentropy(from_logits=True, label_smoothing=0.2)
    torch.testing.assert_close(value, peer(target, LOGITS.float()))
    # segmentation-models-pytorch 0.6.0 writes (1 − 2s) y + s.
    torch.testing.assert_close(
        value, smp.SoftBCEWithLogitsLoss(smooth_factor=0.1)(LOGITS.float(), target)
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_bce_is_cross_entropy_of_two_classes(smoothing: float) -> None:
    target = torch.tensor([[0], [1], [1], [0]])
    two = torch.cat([torch.zeros_like(LOGITS), LOGITS], 1)
    torch.testing.assert_close(
        bce(LOGITS, target, label_smoothing=smoothing).squeeze(1),
        cross_entropy(two, target.squeeze(1), label_smoothing=smoothing),
    )


def test_bce_is_least_at_the_mean_of_the_targets() -> None:
    target = torch.tensor([[1.0], [0], [0], [1], [0.5]]).double()
    constant = torch.logit(target.mean()).requires_grad_()
    values = bce(constant.expand(5, 1), target)
    (gradient,) = torch.autograd.grad(values.mean(), constant, create_graph=True)
    (curvature,) = torch.autograd.grad(gradient, constant)
    assert gradient.item() == pytest.approx(0, abs=1e-15)
    assert curvature.item() == pytest.approx(0.5 * 0.5)


def test_bce_falls_as_the_answer_improves() -> None:
    values = bce(torch.linspace(-5, 5, 11).unsqueeze(1), torch.ones(11, 1))
    assert (values.diff(dim=0) < 0).all()


@pytest.mark.parametrize(
    ("shape", "hint"),
    [((4,), r"got \(4,\); use target.unsqueeze\(1\)"), ((1, 4), r"got \(1, 4\)$")],
    ids=["n_against_n1", "transposed"],
)
def test_binary_losses_refuse_a_target_of_another_shape(shape: tuple[int, ...], hint: str) -> None:
    for loss in (bce, brier, focal, sigmoid_focal, asymmetric, poly1):
        with pytest.raises(ValueError, match=r"shaped like the model's answer \(4, 1\), " + hint):
            loss(LOGITS, torch.ones(shape))


def test_bce_sends_class_indices_to_cross_entropy() -> None:
    with pytest.raises(ValueError, match="for class indices use cross_entropy"):
        bce(torch.zeros(4, 3), torch.zeros(4).long())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"label_smoothing": 1.0}, r"label_smoothing must be in \[0, 1\); got 1.0"),
        ({"label_smoothing": "much"}, "label_smoothing must be in .* got much"),
        ({"pos_weight": 0.0}, "pos_weight must be positive; got 0.0"),
        ({"pos_weight": [1.0, 2.0]}, r"pos_weight needs 1 numbers, .* got \[1.0, 2.0\]"),
    ],
    ids=["smoothing", "smoothing_text", "pos_weight", "pos_weight_length"],
)
def test_bce_refuses_options_out_of_range(options: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        bce(LOGITS, torch.ones_like(LOGITS), **options)


# cross_entropy


def test_cross_entropy_is_scikit_learns_log_loss() -> None:
    target = torch.tensor([0, 2, 2])
    expected = log_loss(target, CLASS_LOGITS.softmax(1), labels=[0, 1, 2])
    assert cross_entropy(CLASS_LOGITS, target).mean().item() == pytest.approx(expected, rel=1e-12)


def test_cross_entropy_of_equal_logits_is_the_log_of_the_number_of_classes() -> None:
    values = cross_entropy(torch.zeros(2, 7, 3), torch.zeros(2, 3).long())
    assert values.shape == (2, 3)
    assert values.flatten().tolist() == pytest.approx([math.log(7)] * 6)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64], ids=str)
def test_cross_entropy_takes_indices_of_any_integer_type(dtype: torch.dtype) -> None:
    target = torch.tensor([0, 2, 1])
    values = cross_entropy(CLASS_LOGITS, target.to(dtype))
    torch.testing.assert_close(values, cross_entropy(CLASS_LOGITS, target), rtol=0, atol=0)


def test_cross_entropy_of_one_hot_is_that_of_indices() -> None:
    target = torch.tensor([0, 2, 1])
    one_hot = F.one_hot(target, 3)
    torch.testing.assert_close(
        cross_entropy(CLASS_LOGITS, one_hot), cross_entropy(CLASS_LOGITS, target)
    )


def test_cross_entropy_gradient_is_softmax_minus_target() -> None:
    logits = CLASS_LOGITS.clone().requires_grad_()
    target = torch.tensor([0, 2, 1])
    (gradient,) = torch.autograd.grad(cross_entropy(logits, target).sum(), logits)
    torch.testing.assert_close(gradient, CLASS_LOGITS.softmax(1) - F.one_hot(target, 3))


def test_cross_entropy_is_least_at_the_target_probabilities() -> None:
    target = torch.tensor([[0.2, 0.5, 0.3]]).double()
    logits = target.log().requires_grad_()
    value = cross_entropy(logits, target)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert gradient.abs().max() < 1e-15
    assert value.item() == pytest.approx(-(target * target.log()).sum().item())


@pytest.mark.parametrize("soft", [False, True], ids=["indices", "probabilities"])
def test_cross_entropy_smooths_labels_as_torch(soft: bool) -> None:
    target = torch.tensor([[0.2, 0.5, 0.3]] * 3).double() if soft else torch.tensor([0, 2, 1])
    torch.testing.assert_close(
        cross_entropy(CLASS_LOGITS, target, label_smoothing=0.1),
        F.cross_entropy(CLASS_LOGITS, target, reduction="none", label_smoothing=0.1),
    )


@pytest.mark.parametrize(
    "loss",
    [cross_entropy, nll, brier, focal, poly1, generalized_cross_entropy, symmetric_cross_entropy],
)
@pytest.mark.parametrize(
    ("target", "got"),
    [
        (torch.zeros(4).long(), r"torch.int64 of shape \(4,\)"),
        (torch.zeros(3, 1).long(), r"torch.int64 of shape \(3, 1\)"),
        (torch.zeros(3), r"torch.float32 of shape \(3,\)"),
    ],
    ids=["other_batch", "channel_axis", "float"],
)
def test_losses_of_classes_need_indices(
    loss: Callable[..., Tensor], target: Tensor, got: str
) -> None:
    text = r"logits of shape \(3, 3\) need integer class indices of shape \(3,\); got " + got
    with pytest.raises(ValueError, match=text):
        loss(CLASS_LOGITS, target)


@pytest.mark.parametrize("target", [torch.zeros(4).long(), torch.zeros(4, 1)], ids=["n", "n1"])
def test_cross_entropy_of_one_channel_is_an_error(target: Tensor) -> None:
    with pytest.raises(ValueError, match=r"at least 2; .* shape \(4, 1\). For one channel use bce"):
        cross_entropy(LOGITS, target)


def test_cross_entropy_refuses_full_smoothing() -> None:
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\); got 1"):
        cross_entropy(CLASS_LOGITS, torch.tensor([0, 2, 1]), label_smoothing=1)


def test_cross_entropy_smooths_labels_by_a_tensor_as_by_a_number() -> None:
    target, smoothing = torch.tensor([0, 2, 1]), torch.tensor(0.1).double()
    torch.testing.assert_close(
        cross_entropy(CLASS_LOGITS, target, label_smoothing=smoothing),
        cross_entropy(CLASS_LOGITS, target, label_smoothing=0.1),
    )


# nll


def test_nll_of_a_log_softmax_is_cross_entropy() -> None:
    target = torch.tensor([0, 2, 1])
    torch.testing.assert_close(
        nll(CLASS_LOGITS.log_softmax(1), target), cross_entropy(CLASS_LOGITS, target)
    )


def test_nll_reaches_the_true_class_alone() -> None:
    log_prob = CLASS_LOGITS.log_softmax(1).requires_grad_()
    target = torch.tensor([0, 2, 1])
    (gradient,) = torch.autograd.grad(nll(log_prob, target).sum(), log_prob)
    torch.testing.assert_close(gradient, -F.one_hot(target, 3).double())


# brier


def test_brier_of_classes_is_scikit_learns() -> None:
    target = torch.tensor([0, 2, 2])
    expected = brier_score_loss(target, CLASS_LOGITS.softmax(1), labels=[0, 1, 2])
    assert brier(CLASS_LOGITS, target).mean().item() == pytest.approx(expected, rel=1e-12)


def test_brier_of_one_channel_is_scikit_learns() -> None:
    target = torch.tensor([[0], [1], [1], [0]])
    expected = brier_score_loss(target.squeeze(1), LOGITS.sigmoid().squeeze(1))
    assert brier(LOGITS, target).mean().item() == pytest.approx(expected, rel=1e-12)


def test_brier_of_two_classes_is_twice_that_of_one_channel() -> None:
    target = torch.tensor([[0], [1], [1], [0]])
    two = torch.cat([torch.zeros_like(LOGITS), LOGITS], 1)
    torch.testing.assert_close(brier(two, target.squeeze(1)), 2 * brier(LOGITS, target).squeeze(1))


def test_brier_of_one_hot_is_that_of_indices() -> None:
    target = torch.tensor([0, 2, 1])
    one_hot = F.one_hot(target, 3)
    torch.testing.assert_close(brier(CLASS_LOGITS, one_hot), brier(CLASS_LOGITS, target))


def test_brier_is_least_at_the_target_probabilities() -> None:
    share = torch.tensor([0.2, 0.5, 0.3]).double()
    logits = share.log().requires_grad_()
    values = brier(logits.expand(3, 3), torch.arange(3))
    (gradient,) = torch.autograd.grad((share * values).sum(), logits)
    assert gradient.abs().max() < 1e-15


def test_brier_gradient_is_the_formula_of_its_docstring() -> None:
    logits, target = CLASS_LOGITS.clone().requires_grad_(), torch.tensor([0, 2, 1])
    (gradient,) = torch.autograd.grad(brier(logits, target).sum(), logits)
    p = CLASS_LOGITS.softmax(1)
    d = p - F.one_hot(target, 3)
    torch.testing.assert_close(gradient, 2 * p * (d - (p * d).sum(1, keepdim=True)))


@pytest.mark.parametrize("soft", [False, True], ids=["indices", "probabilities"])
def test_brier_stays_between_zero_and_two(soft: bool) -> None:
    target = torch.tensor([0, 1])
    logits = torch.tensor([[1e4, 0.0, 0.0], [1e4, 0.0, 0.0]])
    values = brier(logits, F.one_hot(target, 3) if soft else target)
    assert values.tolist() == [0.0, 2.0]


def test_log_probabilities_above_zero_are_out_of_their_domain() -> None:
    log_prob, target = torch.tensor([[0.5, -torch.inf]]), torch.tensor([2])
    domains = read_signature(nll).domains
    arguments = {"log_prob": log_prob, "target": target}
    text = domains["log_prob"].violation(log_prob, arguments)
    assert text == "1 of 2 values are not log-probabilities, at most 0: 0.5"
    assert (domains["target"].violation(target, arguments) or "").endswith("in [0, 1]): 2")


# Soft targets


@pytest.mark.parametrize(
    "loss", [bce, cross_entropy, brier, kl_divergence, js_divergence], ids=lambda f: f.__name__
)
def test_the_best_answer_to_a_soft_target_is_the_target(loss: Callable[..., Tensor]) -> None:
    share = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], dtype=torch.double)
    if loss is bce:
        share = share.reshape(6, 1)
    at_target = (torch.logit(share) if loss is bce else share.log()).requires_grad_()
    values = loss(at_target, share)
    (gradient,) = torch.autograd.grad(values.sum(), at_target)
    assert gradient.abs().max() < 1e-12
    for seed in range(5):
        step = torch.randn(share.shape, generator=torch.Generator().manual_seed(seed))
        assert (loss(at_target.detach() + step, share) > values).all()


# What the term makes of them, and torch and smp do otherwise


def in_term(loss: Callable[..., Tensor], logits: Tensor, target: Tensor, **options: Any) -> Tensor:
    term = Term("mine", loss, **options)
    term.bind(["target"], ["logits"], "logits")
    return term.forward({"logits": logits, "target": target})


@pytest.mark.parametrize("loss", [cross_entropy, brier, kl_divergence], ids=lambda f: f.__name__)
def test_class_weights_have_one_rule_for_indices_and_probabilities(
    loss: Callable[..., Tensor],
) -> None:
    index, weight = torch.tensor([0, 2, 1]), [0.5, 2.0, 1.0]
    one_hot = F.one_hot(index, 3).double()
    value = in_term(loss, CLASS_LOGITS, one_hot, class_weight=weight)
    expected = (torch.tensor(weight)[index] * loss(CLASS_LOGITS, one_hot)).sum() / 3.5
    torch.testing.assert_close(value, expected)
    if loss is not kl_divergence:
        of_indices = in_term(loss, CLASS_LOGITS, index, class_weight=weight)
        torch.testing.assert_close(value, of_indices)


def test_torch_divides_probabilities_by_their_number_and_weighs_each_summand() -> None:
    one_hot, weight = torch.eye(3).double(), torch.tensor([0.5, 2.0, 1.0]).double()
    options = {"class_weight": weight.tolist()}
    by_count = in_term(cross_entropy, CLASS_LOGITS, one_hot, **options, normalize="count")
    torch.testing.assert_close(by_count, F.cross_entropy(CLASS_LOGITS, one_hot, weight))
    soft = torch.tensor([[0.2, 0.5, 0.3]] * 3).double()
    of_torch = F.cross_entropy(CLASS_LOGITS, soft, weight)
    summands = -(weight * soft * CLASS_LOGITS.log_softmax(1)).sum(1)
    torch.testing.assert_close(of_torch, summands.mean())
    by_count = in_term(cross_entropy, CLASS_LOGITS, soft, **options, normalize="count")
    expected = (soft * weight).sum(1) * cross_entropy(CLASS_LOGITS, soft)
    torch.testing.assert_close(by_count, expected.mean())


def test_with_everything_ignored_torch_is_nan() -> None:
    target = torch.full((3,), -100)
    assert F.cross_entropy(CLASS_LOGITS, target).isnan()
    assert in_term(cross_entropy, CLASS_LOGITS, target, ignore_index=-100) == 0


def test_nan_in_an_ignored_row_poisons_torchs_gradient_but_not_ours() -> None:
    logits = CLASS_LOGITS.clone()
    logits[1] = torch.nan
    logits.requires_grad_()
    target = torch.tensor([0, -100, 1])
    (of_torch,) = torch.autograd.grad(F.cross_entropy(logits, target), logits)
    value = in_term(cross_entropy, logits, target, ignore_index=-100)
    (gradient,) = torch.autograd.grad(value, logits)
    assert of_torch[1].isnan().any()
    assert gradient.isfinite().all()
    assert (gradient[1] == 0).all()


def test_smp_divides_by_what_is_ignored_too(smp: Any) -> None:
    target = torch.tensor([[0.0], [1], [255], [0]]).double()
    peer = smp.SoftBCEWithLogitsLoss(ignore_index=255)(LOGITS, target)
    value = in_term(bce, LOGITS, target, ignore_index=255)
    torch.testing.assert_close(value, peer * 4 / 3)
    torch.testing.assert_close(value, bce(LOGITS, target)[target < 2].mean())
