"""Losses of the margin: closed forms, torch 2.13, scikit-learn 1.9.1, Keras 3.15.1."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import (
    bce,
    crammer_singer,
    cross_entropy,
    exponential,
    hinge,
    logistic,
    mse,
    perceptron,
    squared_hinge,
)
from sklearn.metrics import hinge_loss, log_loss
from torch import Tensor

LOGITS = torch.tensor([[-1.5], [0.0], [0.7], [3.0]]).double()
TARGET = torch.tensor([[0], [1], [0], [1]])
SIGN = 2.0 * TARGET - 1
CLASS_LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.9], [-2.0, 0.1, 3.0]]).double()
CLASSES = torch.tensor([0, 2, 1])

BINARY = pytest.mark.parametrize(
    "loss", [hinge, squared_hinge, logistic, exponential, perceptron], ids=lambda f: f.__name__
)
OF_CLASSES = pytest.mark.parametrize(
    "loss", [hinge, squared_hinge, crammer_singer, perceptron], ids=lambda f: f.__name__
)


def least(loss: Callable[[Tensor], Tensor]) -> float:
    """The constant score between -3 and 3 at which the mean of the loss is least."""
    scores = torch.linspace(-3, 3, 6001).double()
    return scores[torch.stack([loss(z) for z in scores]).argmin()].item()


# What they have in common


@BINARY
def test_labels_are_declared(loss: Callable[..., Tensor]) -> None:
    values = loss(LOGITS, 2 * TARGET - 1, labels="pm1")
    torch.testing.assert_close(values, loss(LOGITS, TARGET))
    ones = torch.ones(4, 1)  # in a batch of 1 alone nothing may be guessed
    torch.testing.assert_close(loss(LOGITS, ones, labels="pm1"), loss(LOGITS, ones))


def test_keras_guesses_labels_from_the_whole_batch_so_rows_touch_each_other(keras: Any) -> None:
    function = keras.Hinge(reduction="none")
    logits, target = torch.full((3, 1), 0.5), torch.tensor([[0.0], [1.0], [-1.0]])
    assert function(target[:2], logits[:2]).tolist() == [1.5, 0.5]  # 0 is taken as −1
    assert function(target, logits).tolist() == [1.0, 0.5, 1.5]  # 0 is taken as it is
    torch.testing.assert_close(hinge(logits, target)[:2], hinge(logits[:2], target[:2]))
    for labels, rows in (("01", [0, 1]), ("pm1", [2, 1])):
        values = hinge(logits[rows], target[rows], labels=labels)
        assert values.flatten().tolist() == [1.5, 0.5]


@BINARY
def test_several_labels_are_judged_one_by_one(loss: Callable[..., Tensor]) -> None:
    logits, target = LOGITS.reshape(2, 2), TARGET.reshape(2, 2)
    torch.testing.assert_close(loss(logits, target).reshape(4, 1), loss(LOGITS, TARGET))


@BINARY
def test_an_unknown_way_to_write_labels_is_an_error(loss: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match="labels must be one of 01, pm1; got signs"):
        loss(LOGITS, TARGET, labels="signs")


@pytest.mark.parametrize("loss", [hinge, squared_hinge, perceptron], ids=lambda f: f.__name__)
def test_an_unknown_way_to_write_labels_is_an_error_for_classes_too(
    loss: Callable[..., Tensor],
) -> None:
    with pytest.raises(ValueError, match="labels must be one of 01, pm1; got signs"):
        loss(CLASS_LOGITS, CLASSES, labels="signs")


@BINARY
@pytest.mark.parametrize(
    ("shape", "hint"),
    [((4,), r"got \(4,\); use target.unsqueeze\(1\)"), ((1, 4), r"got \(1, 4\)$")],
    ids=["n_against_n1", "transposed"],
)
def test_a_target_of_another_shape_is_an_error(
    loss: Callable[..., Tensor], shape: tuple[int, ...], hint: str
) -> None:
    with pytest.raises(ValueError, match=r"shaped like the model's answer \(4, 1\), " + hint):
        loss(LOGITS, torch.ones(shape))


@pytest.mark.parametrize("loss", [logistic, exponential], ids=lambda f: f.__name__)
def test_class_indices_are_sent_to_cross_entropy(loss: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match="for class indices use cross_entropy"):
        loss(CLASS_LOGITS, CLASSES)


@OF_CLASSES
@pytest.mark.parametrize(
    ("target", "got"),
    [
        (torch.zeros(4).long(), r"torch.int64 of shape \(4,\)"),
        (torch.zeros(3, 1).long(), r"torch.int64 of shape \(3, 1\)"),
        (torch.zeros(3), r"torch.float32 of shape \(3,\)"),
    ],
    ids=["other_batch", "channel_axis", "float"],
)
def test_classes_need_indices(loss: Callable[..., Tensor], target: Tensor, got: str) -> None:
    text = r"logits of shape \(3, 3\) need integer class indices of shape \(3,\); got " + got
    with pytest.raises(ValueError, match=text):
        loss(CLASS_LOGITS, target)


def test_crammer_singer_of_one_channel_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"at least 2; .* shape \(4, 1\). For one channel use bce"):
        crammer_singer(LOGITS, torch.zeros(4).long())


@pytest.mark.parametrize("loss", [hinge, squared_hinge], ids=lambda f: f.__name__)
def test_the_margin_is_positive(loss: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match="margin must be positive; got 0"):
        loss(LOGITS, TARGET, margin=0)


def test_the_margin_of_crammer_singer_is_positive() -> None:
    with pytest.raises(ValueError, match="margin must be positive; got -1"):
        crammer_singer(CLASS_LOGITS, CLASSES, margin=-1)


# hinge


def test_hinge_is_scikit_learns() -> None:
    expected = hinge_loss(TARGET.squeeze(1), LOGITS.squeeze(1))
    assert hinge(LOGITS, TARGET).mean().item() == pytest.approx(expected, rel=1e-12)


def test_hinge_of_classes_is_scikit_learns_crammer_singer() -> None:
    expected = hinge_loss(CLASSES, CLASS_LOGITS, labels=[0, 1, 2])
    assert hinge(CLASS_LOGITS, CLASSES).mean().item() == pytest.approx(expected, rel=1e-12)


def test_hinge_of_one_channel_is_that_of_two_opposite_scores() -> None:
    opposite = torch.cat([-LOGITS / 2, LOGITS / 2], 1)
    torch.testing.assert_close(hinge(LOGITS, TARGET).squeeze(1), hinge(opposite, TARGET.squeeze(1)))


def test_hinge_pulls_on_answers_inside_the_margin_only() -> None:
    logits = torch.tensor([[2.1], [2.0], [1.9], [-3.0]], requires_grad=True)
    values = hinge(logits, torch.ones(4, 1), margin=2.0)
    torch.testing.assert_close(values.squeeze(1), torch.tensor([0.0, 0.0, 0.1, 5.0]))
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    assert gradient.squeeze(1).tolist() == [0, 0, -1, -1]


@pytest.mark.parametrize("positives", [3, 7])
def test_hinge_is_least_on_the_side_of_the_majority(positives: int) -> None:
    target = (torch.arange(10) < positives).double()
    score = least(lambda z: hinge(z.expand(10), target).mean())
    assert score == pytest.approx(1.0 if positives > 5 else -1.0)


# squared_hinge


def test_squared_hinge_is_the_square_of_hinge() -> None:
    torch.testing.assert_close(
        squared_hinge(LOGITS, TARGET, margin=0.5), hinge(LOGITS, TARGET, margin=0.5) ** 2
    )
    torch.testing.assert_close(
        squared_hinge(CLASS_LOGITS, CLASSES), hinge(CLASS_LOGITS, CLASSES) ** 2
    )


def test_squared_hinge_is_mse_against_the_sign_inside_the_margin() -> None:
    inside = LOGITS / 4
    torch.testing.assert_close(squared_hinge(inside, TARGET), mse(inside, SIGN))


def test_squared_hinge_is_least_at_the_margin_between_the_probabilities() -> None:
    target = (torch.arange(10) < 7).double()
    score = least(lambda z: squared_hinge(z.expand(10), target, margin=2.0).mean())
    assert score == pytest.approx(2.0 * (2 * 0.7 - 1))


# crammer_singer


def test_crammer_singer_is_scikit_learns_and_hinges() -> None:
    expected = hinge_loss(CLASSES, CLASS_LOGITS, labels=[0, 1, 2])
    values = crammer_singer(CLASS_LOGITS, CLASSES)
    assert values.mean().item() == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(values, hinge(CLASS_LOGITS, CLASSES), rtol=0, atol=0)


def test_crammer_singer_is_torchs_multi_margin_where_one_rival_violates() -> None:
    logits = torch.tensor([[2.0, 1.5, -1.0], [3.0, -1.0, 2.5]]).double()
    target = torch.tensor([0, 0])
    torchs = 3 * F.multi_margin_loss(logits, target, reduction="none")  # the mean over classes
    torch.testing.assert_close(crammer_singer(logits, target), torchs)


def test_crammer_singer_pushes_the_strongest_rival_only() -> None:
    logits = torch.tensor([[1.0, 0.5, 2.0, -3.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(crammer_singer(logits, torch.tensor([0])).sum(), logits)
    assert gradient.tolist() == [[-1, 0, 1, 0]]


def test_crammer_singer_is_least_at_the_majority_and_a_tie_where_there_is_none() -> None:
    scores = torch.cartesian_prod(*[torch.linspace(-2, 2, 17).double()] * 2)
    scores = torch.cat([scores, torch.zeros(len(scores), 1)], 1)
    of_each = [crammer_singer(scores, torch.full((len(scores),), c)) for c in range(3)]
    values = 0.6 * of_each[0] + 0.3 * of_each[1] + 0.1 * of_each[2]
    assert scores[values.argmin()].argmax() == 0
    values = 0.4 * of_each[0] + 0.3 * of_each[1] + 0.3 * of_each[2]
    assert values[(scores == 0).all(1)].item() == pytest.approx(values.min().item())


# perceptron


def test_perceptron_is_the_limit_of_hinge_without_a_margin() -> None:
    for logits, target in ((LOGITS, TARGET), (CLASS_LOGITS, CLASSES)):
        torch.testing.assert_close(
            perceptron(logits, target), hinge(logits, target, margin=1e-9), rtol=0, atol=2e-9
        )


def test_perceptron_is_the_limit_of_logistic_at_low_temperature() -> None:
    logits = LOGITS[LOGITS != 0].unsqueeze(1)
    target = TARGET[LOGITS != 0].unsqueeze(1)
    torch.testing.assert_close(
        perceptron(logits, target), 1e-2 * logistic(logits / 1e-2, target), rtol=0, atol=1e-12
    )


def test_perceptron_corrects_a_score_of_zero() -> None:
    logits = torch.tensor([[0.0], [0.0], [2.0], [-2.0]], requires_grad=True)
    values = perceptron(logits, torch.tensor([[1], [0], [1], [1]]))
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    assert gradient.squeeze(1).tolist() == [-1, 1, 0, -1]


def test_perceptron_by_single_examples_is_rosenblatts_rule() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 2, generator=generator)
    x += 0.5 * x.sign()[:, :1]  # a gap along the first axis
    label = (x[:, :1] > 0).long()
    weight, by_rule = torch.zeros(2, requires_grad=True), torch.zeros(2)
    for row, y in zip(x, label, strict=True):
        (gradient,) = torch.autograd.grad(perceptron(row @ weight.unsqueeze(1), y).sum(), weight)
        weight = (weight - gradient).detach().requires_grad_()
        sign = 2 * y - 1
        if sign * (row @ by_rule) <= 0:
            by_rule = by_rule + sign * row
    torch.testing.assert_close(weight.detach(), by_rule)


# logistic


def test_logistic_is_the_textbook_formula() -> None:
    expected = torch.log1p(torch.exp(-SIGN * LOGITS))
    torch.testing.assert_close(logistic(LOGITS, TARGET), expected)


def test_logistic_is_bce_in_value_and_gradient() -> None:
    logits = LOGITS.clone().requires_grad_()
    of_signs, of_labels = logistic(logits, SIGN, labels="pm1"), bce(logits, TARGET)
    torch.testing.assert_close(of_signs, of_labels)
    torch.testing.assert_close(
        torch.autograd.grad(of_signs.sum(), logits), torch.autograd.grad(of_labels.sum(), logits)
    )


def test_logistic_is_scikit_learns_log_loss() -> None:
    expected = log_loss(TARGET.squeeze(1), LOGITS.sigmoid().squeeze(1))
    assert logistic(LOGITS, TARGET).mean().item() == pytest.approx(expected, rel=1e-12)


def test_logistic_is_cross_entropy_of_the_scores_zero_and_z() -> None:
    two = torch.cat([torch.zeros_like(LOGITS), LOGITS], 1)
    torch.testing.assert_close(
        logistic(LOGITS, TARGET).squeeze(1), cross_entropy(two, TARGET.squeeze(1))
    )


def test_logistic_keeps_its_gradient_where_it_is_confidently_wrong() -> None:
    logits = torch.tensor([[-1e4], [1e4]], requires_grad=True)
    values = logistic(logits, torch.tensor([[1], [0]]))
    assert values.tolist() == [[1e4], [1e4]]
    assert torch.autograd.grad(values.sum(), logits)[0].tolist() == [[-1.0], [1.0]]


def test_logistic_is_exact_in_double_precision_where_the_answer_is_right() -> None:
    value = logistic(torch.tensor([[30.0]]).double(), torch.ones(1, 1))
    assert value.item() == pytest.approx(math.exp(-30) - math.exp(-60) / 2, rel=1e-15)


# exponential


def test_exponential_is_the_textbook_formula() -> None:
    torch.testing.assert_close(exponential(LOGITS, TARGET), torch.exp(-SIGN * LOGITS))


@pytest.mark.parametrize(
    ("loss", "factor"), [(logistic, 1.0), (exponential, 0.5)], ids=["logistic", "exponential"]
)
def test_the_best_score_is_the_log_odds_or_half_of_it(
    loss: Callable[..., Tensor], factor: float
) -> None:
    target = (torch.arange(10) < 8).double()
    score = torch.tensor(factor * math.log(0.8 / 0.2)).double().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(score.expand(10), target).mean(), score)
    assert gradient.item() == pytest.approx(0, abs=1e-8)


def test_exponential_is_logistic_for_large_margins() -> None:
    logits = torch.tensor([[15.0], [20.0]]).double()
    ones = torch.ones(2, 1)
    torch.testing.assert_close(exponential(logits, ones), logistic(logits, ones), rtol=1e-6, atol=0)


def test_exponential_holds_scores_to_eighty_and_overflows_beyond() -> None:
    for sign, dtype in product((1, -1), (torch.float16, torch.bfloat16, torch.float32)):
        held = exponential(torch.tensor([[80.0 * sign]], dtype=dtype), torch.ones(1, 1))
        assert held.dtype == torch.float32
        assert held.isfinite()
    assert exponential(torch.tensor([[-100.0]]), torch.ones(1, 1)).isinf()
