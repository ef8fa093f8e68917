"""GradNorm against its equations, written out, and on a network with terms of unlike size."""

import pytest
import torch
from losslab.losses import ObjectiveValue
from losslab.training.balance import GradNorm
from torch import nn


class Shared(nn.Module):
    """One weight that both terms see."""

    def __init__(self, point):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(point))


def two_quadratics(model):
    """½ w² and 50 w²: derivatives w and 100 w."""
    values = {"small": 0.5 * model.w.square(), "large": 50 * model.w.square()}
    return ObjectiveValue(sum(values.values()), values, dict.fromkeys(values, 1.0))


def test_gradients_are_those_of_the_equations():
    model = Shared(2.0)
    balance = GradNorm(["small", "large"], model, alpha=0.0)
    balance(two_quadratics(model)).backward()
    # Norms 2 and 200, mean 101: both terms are 99 away, from below and from above.
    assert model.w.grad.item() == pytest.approx(2 + 200, rel=1e-6)  # factors of 1, and no more
    by_factor = torch.tensor([-2.0, 200.0]) / 101
    through_softmax = torch.tensor([[0.5, -0.5], [-0.5, 0.5]])  # ∂(2 softmax v)/∂v at v = 0
    assert balance.log_factors.grad.tolist() == pytest.approx(
        (through_softmax @ by_factor).tolist(), rel=1e-5
    )


def test_the_term_that_has_fallen_less_is_to_pull_harder():
    model = Shared(2.0)
    balance = GradNorm(["small", "large"], model, alpha=1.0)
    balance(two_quadratics(model))  # what it compares with: 2 and 200
    values = {"small": 1.0 * model.w, "large": 50.0 * model.w}  # halved: 2 of 2 and 100 of 200
    balance(ObjectiveValue(sum(values.values()), values, dict.fromkeys(values, 1.0))).backward()
    # Norms 1 and 50, mean 25.5; rates 1 and ½ over their mean ¾: wanted are 34 and 17.
    by_factor = torch.tensor([-1.0, 50.0]) / 25.5
    through_softmax = torch.tensor([[0.5, -0.5], [-0.5, 0.5]])
    assert balance.first.tolist() == [2.0, 200.0]
    assert balance.log_factors.grad.tolist() == pytest.approx(
        (through_softmax @ by_factor).tolist(), rel=1e-5
    )
    assert (25.5 * balance._rates(ObjectiveValue(None, values, {}))).tolist() == pytest.approx(
        [34, 17]
    )


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_it_brings_together_terms_a_thousand_times_apart(optimizer):
    torch.manual_seed(0)
    trunk, one, other = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 1)
    model = nn.ModuleDict({"trunk": trunk, "one": one, "other": other})
    inputs, targets = torch.randn(32, 4), torch.randn(32, 2)
    balance = GradNorm(["one", "other"], model, alpha=0.0)
    moving = optimizer(balance.parameters(), lr=0.025)

    def value():
        hidden = torch.tanh(trunk(inputs))
        values = {
            "one": (one(hidden)[:, 0] - targets[:, 0]).square().mean(),
            "other": 1000 * (other(hidden)[:, 0] - targets[:, 1]).square().mean(),
        }
        return ObjectiveValue(sum(values.values()), values, dict.fromkeys(values, 1.0))

    for _ in range(400):
        moving.zero_grad()
        balance(value()).backward()
        moving.step()
    assert balance._layer == "trunk"
    norms = balance.factors() * balance._norms(value())
    assert norms[0] / norms[1] == pytest.approx(1.0, rel=0.1)
    assert balance.factors().sum() == pytest.approx(2.0)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 2), nn.Linear(2, 1)


def value_through(model, reach):
    hidden = model.first(torch.ones(1, 2))
    values = {"a": model.last(hidden).square().sum(), "b": reach(model, hidden).square().sum()}
    return ObjectiveValue(sum(values.values()), values, dict.fromkeys(values, 1.0))


@pytest.mark.parametrize(
    ("reach", "layer"),
    [(lambda model, hidden: model.last(hidden), "last"), (lambda model, hidden: hidden, "first")],
    ids=["both-through-the-last", "one-ends-earlier"],
)
def test_the_shared_layer_is_the_last_that_both_reach(reach, layer):
    model = Two()
    balance = GradNorm(["a", "b"], model)
    balance.check(value_through(model, reach))
    assert balance._layer == layer


def test_a_layer_can_be_named():
    model = Two()
    balance = GradNorm(["a", "b"], model, layer="first")
    balance.check(value_through(model, lambda model, hidden: model.last(hidden)))
    assert balance._layer == "first"
    with pytest.raises(
        ValueError, match="no layer 'net' with weights to train: it has first, last"
    ):
        GradNorm(["a", "b"], model, layer="net")


def test_terms_that_share_nothing_are_refused():
    model = Two()
    apart = {"a": model.first.weight.square().sum(), "b": model.last.weight.square().sum()}
    value = ObjectiveValue(sum(apart.values()), apart, dict.fromkeys(apart, 1.0))
    with pytest.raises(ValueError, match="a, b share none: choose balance=uncertainty"):
        GradNorm(["a", "b"], model).check(value)


def test_a_term_that_starts_below_zero_has_no_rate():
    model = Two()
    values = {"a": model.first.weight.square().sum(), "b": -model.first.weight.square().sum()}
    value = ObjectiveValue(sum(values.values()), values, dict.fromkeys(values, 1.0))
    with pytest.raises(ValueError, match=r"loss\.b begins at -.*: set balance\.alpha=0"):
        GradNorm(["a", "b"], model).check(value)
    GradNorm(["a", "b"], model, alpha=0.0).check(value)


def test_alpha_must_not_be_negative():
    with pytest.raises(ValueError, match=r"alpha must not be negative; got -1\.0"):
        GradNorm(["a", "b"], Two(), alpha=-1.0)


def test_a_term_without_gradient_changes_nothing():
    model = Shared(2.0)
    values = {"small": 0.5 * model.w.square(), "large": torch.tensor(3.0)}
    balance = GradNorm(["small", "large"], model)
    balance(ObjectiveValue(values["small"], values, dict.fromkeys(values, 1.0))).backward()
    assert model.w.grad.item() == pytest.approx(2.0)
    assert balance.log_factors.grad.isfinite().all()
