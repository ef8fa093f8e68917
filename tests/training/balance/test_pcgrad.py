"""PCGrad against algorithm 1 of the paper, written as it stands there."""

import pytest
import torch
from losslab.losses import ObjectiveValue
from losslab.training.balance import PCGrad
from losslab.training.balance.pcgrad import surgery
from torch import nn


def algorithm_1(gradients, orders):
    """Yu et al. 2020: `gradients` is `[terms, weights]`, `orders` whom each meets, in turn."""
    projected = []
    for own, order in zip(gradients, orders, strict=True):
        g = own.clone()
        for other in order:
            if g @ gradients[other] < 0:
                g = g - (g @ gradients[other]) / gradients[other].square().sum() * gradients[other]
        projected.append(g)
    return sum(projected)


def value_of(gradients, model):
    """Linear terms that have these gradients by the model's weight."""
    values = {f"{i}": (model.weight * g).sum() for i, g in enumerate(gradients)}
    return ObjectiveValue(sum(values.values()), values, dict.fromkeys(values, 1.0))


def linear(size):
    return nn.Linear(size, 1, bias=False)


def test_a_case_by_hand():
    """(1, 0) loses its part along (−1, 1), and the other way round: (½, ½) + (0, 1)."""
    model = linear(2)
    balance = PCGrad(["0", "1"], model)
    balance(value_of(torch.tensor([[1.0, 0.0], [-1.0, 1.0]]), model)).backward()
    assert model.weight.grad.tolist() == [[0.5, 1.5]]
    assert balance.epoch_factors() == {"0": 2.0, "1": 1.5}


def test_without_conflict_nothing_changes():
    model = linear(3)
    gradients = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 5.0]])
    balance = PCGrad(["0", "1"], model)
    balance(value_of(gradients, model)).backward()
    assert torch.equal(model.weight.grad[0], gradients.sum(0))
    assert balance.epoch_factors() == {"0": 1.0, "1": 1.0}


@pytest.mark.parametrize("terms", [2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_papers_algorithm(terms, seed):
    generator = torch.Generator().manual_seed(seed)
    gradients = torch.randn(terms, 7, generator=generator, dtype=torch.float64)
    torch.manual_seed(seed)
    factors = surgery(gradients @ gradients.T)
    torch.manual_seed(seed)
    orders = [[o for o in torch.randperm(terms).tolist() if o != t] for t in range(terms)]
    torch.testing.assert_close(factors @ gradients, algorithm_1(gradients, orders))


@pytest.mark.parametrize("seed", range(10))
def test_of_two_terms_neither_is_worked_against(seed):
    generator = torch.Generator().manual_seed(seed)
    gradients = torch.randn(2, 6, generator=generator)
    gradients[1] -= 2 * gradients[0]
    model = linear(6)
    PCGrad(["0", "1"], model)(value_of(gradients, model)).backward()
    cosines = torch.cosine_similarity(model.weight.grad, gradients)
    assert torch.cosine_similarity(gradients[0], gradients[1], dim=0) < 0
    assert (cosines > -1e-6).all()


def test_factors_are_means_since_they_were_told():
    model = linear(2)
    balance = PCGrad(["0", "1"], model)
    balance(value_of(torch.tensor([[1.0, 0.0], [-1.0, 1.0]]), model))
    balance(value_of(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), model))
    assert balance.epoch_factors() == {"0": 1.5, "1": 1.25}
    assert balance.epoch_factors() == {"0": 0.0, "1": 0.0}  # no step since


def test_terms_may_reach_different_weights():
    model = nn.ModuleDict({"a": linear(2), "b": linear(2)})
    values = {
        "both": model["a"].weight.sum() + model["b"].weight.sum(),
        "one": -2 * model["a"].weight[0, 0],
        "constant": torch.tensor(1.0),
    }
    balance = PCGrad(list(values), model)
    value = ObjectiveValue(sum(values.values()), values, dict.fromkeys(values, 1.0))
    balance(value).backward()
    # (1, 1 | 1, 1) and (−2, 0 | 0, 0): to (0, 1 | 1, 1), and (−2, 0 | 0, 0) + ½ (1, 1 | 1, 1).
    assert model["a"].weight.grad.tolist() == [[-1.5, 1.5]]
    assert model["b"].weight.grad.tolist() == [[1.5, 1.5]]


def test_frozen_weights_stay_as_they_are():
    model = nn.Sequential(linear(2), nn.Linear(1, 1))
    model[0].weight.requires_grad_(False)
    hidden = model(torch.ones(3, 2))
    values = {"a": hidden.square().mean(), "b": -hidden.mean()}
    value = ObjectiveValue(sum(values.values()), values, dict.fromkeys(values, 1.0))
    PCGrad(["a", "b"], model)(value).backward()
    assert model[0].weight.grad is None
    assert model[1].weight.grad is not None
