"""Uncertainty weighting against its derivatives, written out."""

import math

import pytest
import torch
from losslab.losses import ObjectiveValue
from losslab.training.balance import Uncertainty


def two_quadratics(point, weights=(1.0, 1.0)):
    """(w − 1)² and 10 w², as terms of an objective at w = `point`."""
    w = torch.tensor(point, requires_grad=True)
    values = {"near": (w - 1).square(), "far": 10 * w.square()}
    factors = dict(zip(values, weights, strict=True))
    total = sum(factors[name] * value for name, value in values.items())
    return w, ObjectiveValue(total, values, factors)


def test_value_and_gradients_are_those_of_the_formula():
    balance = Uncertainty(["near", "far"])
    with torch.no_grad():
        balance.log_variance.copy_(torch.tensor([math.log(2), -1.0]))
    w, value = two_quadratics(3.0)  # losses 4 and 90, derivatives 4 and 60
    total = balance(value)
    total.backward()
    expected = 0.25 * 4 + 0.5 * math.log(2) + 0.5 * math.e * 90 - 0.5
    assert total.item() == pytest.approx(expected, rel=1e-6)
    assert w.grad.item() == pytest.approx(0.25 * 4 + 0.5 * math.e * 60, rel=1e-6)
    assert balance.log_variance.grad.tolist() == pytest.approx(
        [0.5 - 0.25 * 4, 0.5 - 0.5 * math.e * 90], rel=1e-6
    )
    assert balance.factors().tolist() == pytest.approx([0.25, 0.5 * math.e], rel=1e-6)


def test_the_users_weight_is_where_it_starts_from():
    w, value = two_quadratics(3.0, weights=(1.0, 0.1))
    Uncertainty(["near", "far"])(value).backward()
    assert w.grad.item() == pytest.approx(0.5 * 4 + 0.5 * 0.1 * 60)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_it_settles_where_the_variance_is_the_loss(optimizer):
    """d/ds (½ e⁻ˢ L + ½ s) = 0 at eˢ = L."""
    balance = Uncertainty(["near", "far"])
    moving = optimizer(balance.parameters(), lr=0.05)
    for _ in range(2000):
        _, value = two_quadratics(0.9)  # losses 0.01 and 8.1
        moving.zero_grad()
        balance(value).backward()
        moving.step()
    assert balance.log_variance.exp().tolist() == pytest.approx([0.01, 8.1], rel=1e-3)


def test_the_form_of_a_classification_is_the_same_but_for_a_shift():
    balance = Uncertainty(["near", "far"])
    shift = math.log(2)
    with torch.no_grad():
        balance.log_variance.fill_(0.3 - shift)
    _, value = two_quadratics(3.0)
    classification = sum(math.exp(-0.3) * loss + 0.5 * 0.3 for loss in (4, 90))
    assert balance(value).item() == pytest.approx(classification - shift, rel=1e-6)
