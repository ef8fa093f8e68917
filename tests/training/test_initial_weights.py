"""A model that starts from weights that were written down."""

import pytest
import torch
from losslab.errors import UserError
from losslab.models import Linear
from losslab.training.initial_weights import start_from


def test_named_parameters_get_the_values_and_the_others_stay():
    torch.manual_seed(0)
    model = Linear(2, 1)
    bias = model.bias.item()
    start_from(model, {"weight": [[0.5, -2]]})
    assert model.weight.tolist() == [[0.5, -2.0]]
    assert model.bias.item() == bias


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"wieght": [[1, 2]]}, "no parameter wieght. Did you mean weight.* It has weight, bias"),
        ({"weight": [1, 2]}, r"weight must have shape \[1, 2\]; got \[2\]"),
        ({"weight": [[1], [2, 3]]}, "weight is no table of numbers"),
        ({"weight": "zeros"}, "weight is no table of numbers"),
        ([[1, 2]], "must be a mapping of parameters' names"),
    ],
    ids=["name", "shape", "ragged", "text", "no names"],
)
def test_what_the_model_cannot_start_from(weights, message):
    with pytest.raises(UserError, match=message):
        start_from(Linear(2, 1), weights)


def test_a_run_starts_from_them(cli):
    import json

    words = ["model=linear", "loss=mse", "data=values", "data.input=[1,2]", "data.target=[3,5]"]
    words += ["initial_weights={weight: [[2]], bias: [1]}", "trainer.epochs=1", "tracking=none"]
    words += ["optimizer=sgd"]
    assert cli("train", *words).code == 0
    metrics = json.loads(cli("evaluate", "last", "--split", "train", "--json").out)
    assert metrics["loss"] == 0.0  # 2x + 1 is exact: there is nothing to learn
