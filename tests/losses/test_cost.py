"""Losses with a price per confusion: closed forms, and the decision that each estimates."""

from collections.abc import Callable

import pytest
import torch
from losslab.losses import bce, cost_weighted_cross_entropy, cross_entropy, expected_cost
from torch import Tensor

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.9], [-2.0, 0.1, 3.0]]).double()
CLASSES = torch.tensor([0, 2, 1])
BINARY = torch.tensor([[-1.5], [0.0], [0.7], [3.0]]).double()
SOFT = torch.tensor([[0.0], [1.0], [0.3], [1.0]]).double()
COSTS = [[0.0, 1.0, 2.0], [10.0, 0.0, 0.5], [1.0, 3.0, 0.0]]

BOTH = pytest.mark.parametrize(
    "loss", [expected_cost, cost_weighted_cross_entropy], ids=lambda f: f.__name__
)


def test_expected_cost_is_the_sum_over_answers() -> None:
    p = LOGITS.softmax(1)
    expected = [sum(COSTS[y][j] * p[i, j] for j in range(3)) for i, y in enumerate(CLASSES)]
    torch.testing.assert_close(
        expected_cost(LOGITS, CLASSES, cost_matrix=COSTS), torch.stack(expected)
    )


def test_expected_cost_without_a_matrix_is_the_expected_error() -> None:
    p_true = LOGITS.softmax(1).gather(1, CLASSES.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(expected_cost(LOGITS, CLASSES), 1 - p_true)
    p = BINARY.sigmoid()
    torch.testing.assert_close(expected_cost(BINARY, SOFT), SOFT * (1 - p) + (1 - SOFT) * p)


def test_expected_cost_counts_what_a_right_answer_costs() -> None:
    reading = [[1.0, 0.0], [0.0, 1.0]]
    value = expected_cost(BINARY, torch.ones(4, 1), cost_matrix=reading)
    torch.testing.assert_close(value, BINARY.sigmoid())


def test_expected_cost_has_the_gradient_it_states_and_none_where_it_is_sure() -> None:
    logits = LOGITS.clone().requires_grad_()
    values = expected_cost(logits, CLASSES, cost_matrix=COSTS)
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    rows = torch.tensor(COSTS).double()[CLASSES]
    torch.testing.assert_close(gradient, logits.softmax(1) * (rows - values.unsqueeze(1)))
    sure = torch.tensor([[1e4, 0.0, 0.0]], requires_grad=True)
    value = expected_cost(sure, torch.tensor([1]), cost_matrix=COSTS)
    assert value.tolist() == [10.0]
    assert torch.autograd.grad(value.sum(), sure)[0].tolist() == [[0, 0, 0]]


def test_cost_weighted_cross_entropy_is_the_textbook_sum() -> None:
    p = LOGITS.softmax(1)
    expected = [
        -sum(COSTS[y][j] * torch.log(1 - p[i, j]) for j in range(3) if j != y)
        for i, y in enumerate(CLASSES)
    ]
    torch.testing.assert_close(
        cost_weighted_cross_entropy(LOGITS, CLASSES, cost_matrix=COSTS), torch.stack(expected)
    )


def test_cost_weighted_cross_entropy_of_two_classes_is_cross_entropy() -> None:
    two, classes = LOGITS[:, :2], torch.tensor([0, 1, 1])
    torch.testing.assert_close(
        cost_weighted_cross_entropy(two, classes), cross_entropy(two, classes)
    )


def test_cost_weighted_cross_entropy_of_one_channel_is_bce_with_pos_weight() -> None:
    torch.testing.assert_close(cost_weighted_cross_entropy(BINARY, SOFT), bce(BINARY, SOFT))
    torch.testing.assert_close(
        cost_weighted_cross_entropy(BINARY, SOFT, cost_matrix=[[0, 1], [7, 0]]),
        bce(BINARY, SOFT, pos_weight=7.0),
    )


@BOTH
def test_one_channel_is_two_classes(loss: Callable[..., Tensor]) -> None:
    costs = [[0.0, 2.0], [7.0, 0.0]]
    two = torch.cat([torch.zeros_like(BINARY), BINARY], 1)
    target = torch.tensor([[0], [1], [0], [1]])
    torch.testing.assert_close(
        loss(BINARY, target, cost_matrix=costs).squeeze(1),
        loss(two, target.squeeze(1), cost_matrix=costs),
    )


def test_cost_weighted_cross_entropy_pulls_where_it_is_sure_and_wrong() -> None:
    logits = torch.tensor([[1e4, 0.0, 0.0]], requires_grad=True)
    value = cost_weighted_cross_entropy(logits, torch.tensor([1]), cost_matrix=COSTS)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert value.item() == pytest.approx(1e5, rel=1e-4)
    assert gradient.tolist() == [[10.0, -5.0, -5.0]]


def test_cost_weighted_cross_entropy_is_exact_where_a_wrong_class_is_improbable() -> None:
    logits = torch.tensor([[60.0, 0.0]]).double()
    value = cost_weighted_cross_entropy(logits, torch.tensor([0]))
    assert value.item() == pytest.approx(torch.exp(torch.tensor(-60.0).double()).item(), rel=1e-12)


def test_swapping_a_cost_acts_on_the_confusion_it_names() -> None:
    """Calling class 1 "2" is dear; calling class 2 "1" is not."""
    dear = [[0, 1, 1], [1, 0, 50], [1, 1, 0]]
    logits = torch.tensor([[0.0, 0.0, 3.0], [0.0, 3.0, 0.0]]).double()
    classes = torch.tensor([1, 2])
    for loss in (expected_cost, cost_weighted_cross_entropy):
        plain, priced = loss(logits, classes), loss(logits, classes, cost_matrix=dear)
        assert priced[0] > 20 * plain[0]
        torch.testing.assert_close(priced[1], plain[1])


@BOTH
def test_the_best_constant_answers_the_class_of_least_expected_cost(
    loss: Callable[..., Tensor],
) -> None:
    """Class 0 is the most frequent, but the costs make 1 the right answer."""
    classes = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)
    costs = [[0.0, 1.0, 2.0], [6.0, 0.0, 2.0], [4.0, 1.0, 0.0]]
    risk = torch.tensor(costs).double()[classes].mean(0)
    assert risk.argmin() == 1
    logits = torch.zeros(1, 3, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(logits.expand(10, 3), classes, cost_matrix=costs).mean()
        value.backward()
        return value

    optimizer.step(closure)
    assert logits.argmax() == 1


def test_cost_weighted_cross_entropy_is_least_where_it_says() -> None:
    risk = torch.tensor([1.0, 1.2, 0.9]).double()  # of each answer, when the classes are equal
    costs = (risk / 2 * (1 - torch.eye(3))).tolist()
    classes = torch.tensor([0, 1, 2])
    expected = 1 - 2 * risk / risk.sum()
    logits = expected.log().unsqueeze(0).requires_grad_()
    value = cost_weighted_cross_entropy(logits.expand(3, 3), classes, cost_matrix=costs).sum()
    (gradient,) = torch.autograd.grad(value, logits)
    assert gradient.abs().max() < 1e-12


@BOTH
def test_the_matrix_may_be_a_tensor(loss: Callable[..., Tensor]) -> None:
    torch.testing.assert_close(
        loss(LOGITS, CLASSES, cost_matrix=torch.tensor(COSTS)),
        loss(LOGITS, CLASSES, cost_matrix=COSTS),
    )


@BOTH
@pytest.mark.parametrize(
    ("costs", "text"),
    [
        ([[0, 1], [1, 0]], r"cost_matrix needs 3 rows of 3 numbers, .*; got \(2, 2\)"),
        (torch.ones(3, 2), r"cost_matrix needs 3 rows of 3 numbers, .*; got \(3, 2\)"),
        ([[0, 1, 1], [1, 0], [1, 1, 0]], r"rows of one length; got rows of \[3, 2, 3\]"),
        ([[0, -1, 1], [1, 0, 1], [1, 1, 0]], r"finite costs of at least 0; got \[-1\]"),
        ([[0, float("nan"), 1], [1, 0, 1], [1, 1, 0]], r"costs of at least 0; got \[nan\]"),
    ],
    ids=["size", "tensor", "ragged", "negative", "nan"],
)
def test_a_matrix_that_does_not_fit_is_an_error(
    loss: Callable[..., Tensor], costs: object, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        loss(LOGITS, CLASSES, cost_matrix=costs)


def test_a_cost_on_the_diagonal_has_no_place_in_cross_entropy() -> None:
    with pytest.raises(ValueError, match=r"zeros on its diagonal, .* right; got \[2\]"):
        cost_weighted_cross_entropy(LOGITS, CLASSES, cost_matrix=[[0, 1, 1], [1, 2, 1], [1, 1, 0]])


@BOTH
def test_targets_that_fit_neither_form_are_errors(loss: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match=r"need integer class indices of shape \(3,\)"):
        loss(LOGITS, torch.zeros(3, 3))
    with pytest.raises(ValueError, match=r"use target.unsqueeze\(1\)"):
        loss(BINARY, torch.zeros(4))
