"""What stacked runs may differ in, by their configuration."""

import pytest
from losslab.training.alike import without_numbers

N = "a number"
DICE = "losslab.losses.cl_dice"


def term(**options):
    return without_numbers({"loss": {"term": options}})["loss"]["term"]


def test_numbers_are_what_stacked_runs_may_differ_in():
    config = {
        "seed": 1,
        "data": {"split_seed": 0, "noise": 0.1},
        "loss": {"bce": {"weight": {"_target_": "linear", "end": 1.0}, "ignore_index": 3}},
        "optimizer": {"lr": 0.1, "betas": [0.9, 0.99], "nesterov": True, "eps": 1e-8},
        "trainer": {"epochs": 3},
    }
    assert without_numbers(config) == {
        "seed": N,
        "data": {"split_seed": N, "noise": 0.1},
        "loss": {"bce": {"weight": N, "ignore_index": 3}},
        "optimizer": {"lr": N, "betas": [N, N], "nesterov": True, "eps": 1e-8},
        "trainer": {"epochs": 3},
    }


def test_a_whole_number_that_a_loss_asks_for_is_part_of_its_program():
    assert term(_target_=DICE, iterations=3, smooth=1)["iterations"] == 3
    assert term(_target_=DICE, iterations=3, smooth=1)["smooth"] == N


def test_what_a_class_is_made_with_is_part_of_the_program():
    made = term(_target_="torch.nn.HuberLoss", delta=0.5, weight=2.0, class_weight=[1, 2])
    assert made == {
        "_target_": "torch.nn.HuberLoss",
        "delta": 0.5,
        "weight": N,
        "class_weight": [N, N],
    }


def test_a_tensor_that_is_named_is_no_number():
    assert term(_target_="losslab.losses.mse", names={"weight": None})["names"] == {"weight": None}


@pytest.mark.parametrize("node", [None, 3, {"gamma": 2.0}], ids=["null", "number", "no_target"])
def test_a_loss_that_is_wrong_says_so_elsewhere(node):
    assert "term" in without_numbers({"loss": {"term": node}})["loss"]
