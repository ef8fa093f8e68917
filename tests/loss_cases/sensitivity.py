"""Cases of the losses in losses/sensitivity.py, on a small network whose weights are drawn."""

from collections.abc import Mapping

import torch
from losslab.losses.reduction import at_least_fp32
from torch import Tensor

from .draw import BATCH, Case, drawn, index, normal


def weights(outputs: int) -> Mapping[str, Tensor]:
    return drawn(hidden=normal(4, 3), head=normal(outputs, 4))


def network(weights: Mapping[str, Tensor], input: Tensor) -> dict[str, Tensor]:
    hidden = torch.tanh(input @ at_least_fp32(weights["hidden"]).T)
    return {"logits": hidden @ at_least_fp32(weights["head"]).T}


INPUT = normal(BATCH, 3)
SEVERAL = drawn(model=weights(2), input=INPUT)
ONE = drawn(model=weights(1), input=INPUT)

CASES = {
    "jacobian_penalty": Case("jacobian_penalty", SEVERAL, model=network, extreme=30.0),
    "gradient_penalty": Case(
        "gradient_penalty", ONE, model=network, numeric=("norm",), extreme=30.0
    ),
    "gradient_penalty-flat": Case(
        "gradient_penalty", ONE, {"norm": 0.0}, model=network, extreme=30.0
    ),
    "double_backprop": Case(
        "double_backprop",
        drawn(model=weights(2), input=INPUT, target=index(2, BATCH)),
        model=network,
        extreme=30.0,
    ),
    "double_backprop-mse": Case(
        "double_backprop",
        drawn(model=weights(1), input=INPUT, target=normal(BATCH, 1)),
        {"of": "mse"},
        model=network,
        extreme=30.0,
    ),
}
