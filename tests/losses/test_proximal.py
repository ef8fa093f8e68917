"""Proximal steps against their definition, the minimum of ½‖v − w‖² + s·ℓ(v)."""

import pytest
import torch
from losslab.losses import elastic_net, l1_norm, l2_norm
from losslab.losses.proximal import prox_of, soft_threshold, with_prox

W = torch.tensor([3.0, -0.4, 0.1, 0.0, -2.0], dtype=torch.double)
GRID = torch.linspace(-4, 4, 800_001, dtype=torch.double)  # in steps of 1e-5


def test_soft_threshold_by_hand():
    expected = torch.tensor([2.5, 0, 0, 0, -1.5], dtype=torch.double)
    torch.testing.assert_close(soft_threshold(W, 0.5), expected)


@pytest.mark.parametrize("factor", [1.0, 0.3], ids=["plain", "module_weight"])
@pytest.mark.parametrize(
    ("loss", "options"),
    [(l1_norm, {}), (elastic_net, {"l1_ratio": 0.3}), (elastic_net, {"l1_ratio": 0.0})],
    ids=["l1_norm", "elastic_net", "ridge"],
)
def test_the_proximal_step_is_the_minimum_that_defines_it(loss, options, factor):
    step = 0.5
    options = {**options, "module_weight": {"*": factor}}
    moved = prox_of(loss)({"weight": W, "bias": W}, step, **options)
    assert list(moved) == ["weight"]
    ratio = options.get("l1_ratio", 1.0)
    penalty = factor * (ratio * GRID.abs() + (1 - ratio) / 2 * GRID.square())
    for w, v in zip(W, moved["weight"], strict=True):
        lowest = GRID[(0.5 * (GRID - w).square() + step * penalty).argmin()]
        assert v.item() == pytest.approx(lowest.item(), abs=1e-5)


def test_a_loss_without_a_kink_needs_none():
    assert prox_of(l2_norm) is None


def test_a_loss_of_ones_own_may_have_one():
    @with_prox(lambda parameters, step: {"w": parameters["w"] - step})
    def mine(parameters):
        return parameters["w"].sum()

    assert prox_of(mine)({"w": torch.ones(1)}, 0.25)["w"].item() == 0.75
    assert mine({"w": torch.ones(2)}).item() == 2
