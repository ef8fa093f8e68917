"""Optimizers of many runs, row by row what torch's are."""

import pytest
import torch
from losslab.training.stacked_optimizer import NotStackable, StackedOptimizer

CASES = {
    "sgd": ("SGD", [{"lr": 0.1}, {"lr": 0.01}]),
    "sgd-decay": ("SGD", [{"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.1, "weight_decay": 0.0}]),
    "sgd-momentum": ("SGD", [{"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.5}]),
    "sgd-nesterov": (
        "SGD",
        [{"lr": 0.1, "momentum": m, "nesterov": True, "weight_decay": 0.01} for m in (0.9, 0.5)],
    ),
    "adam": ("Adam", [{"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.01, "betas": (0.5, 0.9)}]),
    "adam-one-beta": ("Adam", [{"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.01}]),
    "adamw-one-beta": ("AdamW", [{"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.01}]),
    "adamw-no-decay": ("AdamW", [{"lr": lr, "weight_decay": 0.0} for lr in (0.1, 0.01)]),
    "adamw": ("AdamW", [{"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.01, "betas": (0.5, 0.9)}]),
}


def gradients(step):
    return torch.randn(2, 5, generator=torch.Generator().manual_seed(step)).double()


def torch_rows(kind, options, start, steps):
    """Each row moved by torch's own optimizer; the rows and the last param_groups."""
    rows, groups = [], []
    for row, own in enumerate(options):
        weight = start[row].clone().requires_grad_()
        optimizer = getattr(torch.optim, kind)([weight], **own)
        for step in range(steps):
            weight.grad = gradients(step)[row]
            optimizer.step()
        rows.append(weight.detach())
        groups.append(optimizer.param_groups[0])
    return torch.stack(rows), groups


@pytest.mark.parametrize("name", CASES)
def test_each_row_moves_as_with_torch(name):
    kind, options = CASES[name]
    weights = torch.randn(2, 5, generator=torch.Generator().manual_seed(99)).double()
    expected, groups = torch_rows(kind, options, weights, 7)
    stacked = StackedOptimizer(kind, groups, [own["lr"] for own in options], weights)
    for step in range(7):
        stacked.update(weights, gradients(step), None)
    torch.testing.assert_close(weights, expected)


def test_many_rows_are_moved_block_by_block_to_the_same_end(monkeypatch):
    monkeypatch.setattr("losslab.training.stacked_optimizer._BLOCK", 5)
    test_each_row_moves_as_with_torch("adamw")


def test_a_run_that_is_over_stays_where_it_is_whatever_its_gradient():
    weights = torch.ones(2, 5).double()
    group = {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1}
    stacked = StackedOptimizer("AdamW", [group, group], [0.1, 0.1], weights)
    spoilt = torch.stack([torch.full((5,), torch.nan), torch.ones(5)]).double()
    stacked.update(weights, spoilt, torch.tensor([False, True]))
    assert torch.equal(weights[0], torch.ones(5).double())
    assert (weights[1] < 1).all()


def test_rates_follow_their_own_schedules():
    weights = torch.zeros(2, 1).double()
    stacked = StackedOptimizer("SGD", [{}, {}], [lambda time: 1 - time / 2, 0.5], weights)
    stacked.set_time(1.0)
    stacked.update(weights, torch.ones(2, 1).double(), None)
    assert weights.flatten().tolist() == [-0.5, -0.5]
    stacked.set_time(2.0)
    stacked.update(weights, torch.ones(2, 1).double(), None)
    assert weights.flatten().tolist() == [-0.5, -1.0]


@pytest.mark.parametrize("name", ["adamw", "sgd-momentum"])
def test_the_state_of_one_run_is_what_torch_would_have(name):
    kind, options = CASES[name]
    weights = torch.randn(2, 5, generator=torch.Generator().manual_seed(99)).double()
    start = weights.clone()
    _, groups = torch_rows(kind, options, weights, 1)
    stacked = StackedOptimizer(kind, groups, [own["lr"] for own in options], weights)
    for step in range(3):
        stacked.update(weights, gradients(step), None)
    alone = start[1].clone().requires_grad_()
    optimizer = getattr(torch.optim, kind)([alone], **options[1])
    for step in range(3):
        alone.grad = gradients(step)[1]
        optimizer.step()
    state = stacked.state_of(1, [5], [torch.Size([5])])
    expected = {k: v for k, v in optimizer.state_dict()["state"][0].items() if v is not None}
    torch.testing.assert_close(state[0], expected)


@pytest.mark.parametrize(
    ("kind", "groups", "message"),
    [
        ("LBFGS", [{}, {}], "optimizer LBFGS can't be stacked: sgd, adam and adamw can"),
        ("Adam", [{"amsgrad": True}, {}], "optimizer.amsgrad can't be stacked"),
        ("SGD", [{"nesterov": True}, {}], "differ in optimizer.nesterov"),
    ],
)
def test_what_is_not_elementwise_is_refused(kind, groups, message):
    with pytest.raises(NotStackable, match=message):
        StackedOptimizer(kind, groups, [0.1, 0.1], torch.zeros(1))
