"""Soft F1, precision, recall: scikit-learn 1.9.1 on hard answers, closed forms, training."""

from collections.abc import Callable

import pytest
import torch
from losslab.losses import dice, soft_f1, soft_precision, soft_recall, tversky
from sklearn.metrics import fbeta_score, precision_score, recall_score
from torch import Tensor

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(40, 1, generator=GENERATOR, dtype=torch.double)
TARGET = torch.randint(2, (40, 1), generator=GENERATOR)
CLASS_LOGITS = torch.randn(40, 3, generator=GENERATOR, dtype=torch.double)
CLASSES = torch.randint(3, (40,), generator=GENERATOR)
HARD = 50 * LOGITS.sign()  # probabilities of 0 and 1
HARD_CLASSES = 100 * torch.nn.functional.one_hot(CLASS_LOGITS.argmax(1), 3).double()

ALL = pytest.mark.parametrize(
    "loss", [soft_f1, soft_precision, soft_recall], ids=lambda f: f.__name__
)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_soft_f1_of_hard_answers_is_scikit_learns(beta: float) -> None:
    expected = fbeta_score(TARGET.squeeze(1), (LOGITS > 0).squeeze(1), beta=beta)
    assert soft_f1(HARD, TARGET, beta=beta).item() == pytest.approx(1 - expected, rel=1e-12)
    expected = fbeta_score(CLASSES, CLASS_LOGITS.argmax(1), beta=beta, average="macro")
    value = soft_f1(HARD_CLASSES, CLASSES, beta=beta)
    assert value.item() == pytest.approx(1 - expected, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "score"),
    [(soft_precision, precision_score), (soft_recall, recall_score)],
    ids=["precision", "recall"],
)
def test_without_a_penalty_hard_answers_give_scikit_learns_score(
    loss: Callable[..., Tensor], score: Callable[..., float]
) -> None:
    expected = score(TARGET.squeeze(1), (LOGITS > 0).squeeze(1))
    assert loss(HARD, TARGET, penalty=0.0).item() == pytest.approx(1 - expected, rel=1e-12)
    expected = score(CLASSES, CLASS_LOGITS.argmax(1), average="macro")
    value = loss(HARD_CLASSES, CLASSES, penalty=0.0)
    assert value.item() == pytest.approx(1 - expected, rel=1e-12)


def test_soft_f1_is_dice_over_the_whole_batch() -> None:
    torch.testing.assert_close(soft_f1(LOGITS, TARGET), dice(LOGITS, TARGET, per="batch"))
    images = torch.randn(4, 3, 5, 6, generator=GENERATOR, dtype=torch.double)
    for target in (
        torch.randint(3, (4, 5, 6), generator=GENERATOR),
        torch.rand(4, 3, 5, 6, generator=GENERATOR, dtype=torch.double),
    ):
        torch.testing.assert_close(soft_f1(images, target), dice(images, target, per="batch"))


@pytest.mark.parametrize(
    ("loss", "alpha"),
    [
        (lambda z, y: soft_f1(z, y, beta=2.0), 0.2),
        (lambda z, y: soft_precision(z, y, penalty=0.0), 1.0),
        (lambda z, y: soft_recall(z, y, penalty=0.0), 0.0),
    ],
    ids=["f2", "precision", "recall"],
)
def test_each_is_a_tversky_loss_over_the_whole_batch(
    loss: Callable[..., Tensor], alpha: float
) -> None:
    expected = tversky(LOGITS, TARGET, alpha=alpha, beta=1 - alpha, per="batch")
    torch.testing.assert_close(loss(LOGITS, TARGET), expected)


def test_soft_f1_of_much_beta_is_recall_and_of_little_is_precision() -> None:
    recall = soft_recall(LOGITS, TARGET, penalty=0.0)
    precision = soft_precision(LOGITS, TARGET, penalty=0.0)
    torch.testing.assert_close(soft_f1(LOGITS, TARGET, beta=1e5), recall)
    torch.testing.assert_close(soft_f1(LOGITS, TARGET, beta=1e-5), precision)


def test_the_penalty_is_the_logarithm_of_what_the_floor_lacks() -> None:
    p, y = LOGITS.sigmoid(), TARGET.double()
    precision, recall = (p * y).sum() / p.sum(), (p * y).sum() / y.sum()
    torch.testing.assert_close(
        soft_precision(LOGITS, TARGET, min_recall=0.9, penalty=3.0),
        1 - precision + 3 * torch.log(0.9 / recall),
    )
    torch.testing.assert_close(
        soft_recall(LOGITS, TARGET, min_precision=0.9, penalty=3.0),
        1 - recall + 3 * torch.log(0.9 / precision),
    )


def test_above_the_floor_nothing_is_paid() -> None:
    for loss, floor in ((soft_precision, "min_recall"), (soft_recall, "min_precision")):
        torch.testing.assert_close(
            loss(LOGITS, TARGET, **{floor: 0.2}), loss(LOGITS, TARGET, penalty=0.0)
        )


def test_to_call_nothing_positive_is_the_worst_precision_and_still_pulls() -> None:
    logits = torch.full((40, 1), -1e4, requires_grad=True)
    value = soft_precision(logits, TARGET)
    (gradient,) = torch.autograd.grad(value, logits)
    assert value > 1e4
    assert (gradient[TARGET == 1] < 0).all()
    assert gradient[TARGET == 1].sum().item() == pytest.approx(-5.0, rel=0.2)


def test_to_call_everything_positive_costs_recall_its_floor() -> None:
    target = (torch.arange(40) < 4).long().unsqueeze(1)
    everything, right = torch.full((40, 1), 20.0), 40.0 * target - 20
    assert soft_recall(everything, target) > 5 * torch.log(torch.tensor(0.5 / 0.1)) - 1e-4
    assert soft_recall(right, target) < 1e-6


def _trained(loss: Callable[[Tensor, Tensor], Tensor]) -> tuple[float, float]:
    """Precision and recall after training one threshold on two overlapping normals, 1 in 10."""
    generator = torch.Generator().manual_seed(1)
    target = (torch.arange(2000) < 200).long().unsqueeze(1)
    x = torch.randn(2000, 1, generator=generator) + 1.5 * target
    weight = torch.tensor([1.0, -1.0], requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        loss(weight[0] * x + weight[1], target).backward()
        optimizer.step()
    answer, truth = (weight[0] * x + weight[1] > 0).squeeze(1), target.squeeze(1)
    return precision_score(truth, answer, zero_division=0.0), recall_score(truth, answer)


def test_training_keeps_the_floor_and_raises_the_rest() -> None:
    precision_f1, recall_f1 = _trained(soft_f1)
    precision, recall = _trained(lambda z, y: soft_precision(z, y, min_recall=0.2))
    assert precision > precision_f1 + 0.1
    assert recall == pytest.approx(0.2, abs=0.05)
    precision, recall = _trained(lambda z, y: soft_recall(z, y, min_precision=0.2))
    assert recall > recall_f1 + 0.1
    assert precision == pytest.approx(0.2, abs=0.05)


@ALL
def test_a_class_that_does_not_occur_is_left_out_of_the_mean(loss: Callable[..., Tensor]) -> None:
    logits = CLASS_LOGITS.clone().requires_grad_()
    two = CLASSES % 2
    torch.testing.assert_close(loss(logits, two), loss(logits, two, class_weight=[1.0, 1.0, 0.0]))


@ALL
def test_class_weights_choose_the_class(loss: Callable[..., Tensor]) -> None:
    logits, target = torch.cat([LOGITS, -LOGITS], 1), torch.cat([TARGET, 1 - TARGET], 1)
    of_each = [loss(LOGITS, TARGET), loss(-LOGITS, 1 - TARGET)]
    torch.testing.assert_close(loss(logits, target, class_weight=[1.0, 0.0]), of_each[0])
    torch.testing.assert_close(
        loss(logits, target, class_weight=[1.0, 3.0]), (of_each[0] + 3 * of_each[1]) / 4
    )


@ALL
def test_without_any_class_value_and_gradient_are_zero(loss: Callable[..., Tensor]) -> None:
    logits = LOGITS.clone().requires_grad_()
    for target, weight in ((0 * TARGET, None), (TARGET, torch.zeros(40))):
        value = loss(logits, target, weight)
        (gradient,) = torch.autograd.grad(value, logits)
        assert value == 0
        assert (gradient == 0).all()


@ALL
def test_a_weight_that_does_not_fit_is_an_error(loss: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match=r"a weight of shape \(3,\) does not fit values of shape"):
        loss(LOGITS, TARGET, torch.ones(3))


@ALL
def test_targets_that_fit_neither_form_are_errors(loss: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match=r"use target.unsqueeze\(1\)"):
        loss(LOGITS, TARGET.squeeze(1))
    with pytest.raises(ValueError, match=r"need integer class indices of shape \(40,\)"):
        loss(CLASS_LOGITS, CLASSES.unsqueeze(1))


@pytest.mark.parametrize(
    ("loss", "options", "text"),
    [
        (soft_f1, {"beta": 0.0}, "beta must be positive; got 0.0"),
        (soft_f1, {"class_weight": [1.0, 2.0]}, "class_weight needs 1 numbers"),
        (soft_precision, {"min_recall": 0}, r"min_recall must be in \(0, 1\]; got 0"),
        (soft_precision, {"penalty": -1.0}, "penalty must be at least 0; got -1.0"),
        (soft_recall, {"min_precision": 1.5}, r"min_precision must be in \(0, 1\]; got 1.5"),
        (soft_recall, {"penalty": -1.0}, "penalty must be at least 0; got -1.0"),
    ],
    ids=["beta", "class_weight", "min_recall", "penalty", "min_precision", "penalty_of_recall"],
)
def test_options_out_of_range_are_errors(
    loss: Callable[..., Tensor], options: dict[str, object], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        loss(LOGITS, TARGET, **options)
