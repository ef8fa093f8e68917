"""Cases of the losses in losses/deviance.py."""

from typing import Any

import torch
from torch import Tensor

from .draw import BATCH, Case, drawn, index, normal


def positive(g: torch.Generator) -> Tensor:
    return torch.rand(BATCH, 2, generator=g, dtype=torch.double) + 0.2


def log_target(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """The log-mean that is the target's logarithm, −16 where there was nothing."""
    return {"prediction": inputs["target"].double().log().clamp(min=-16)}


COUNTS = drawn(prediction=normal(BATCH, 2), target=index(4, BATCH, 2))
AMOUNTS = drawn(prediction=normal(BATCH, 2), target=positive)

# The gradients are e^z and y e^−z themselves: further out half precision can't hold them.
CASES = {
    "poisson": Case("poisson", COUNTS, perfect=log_target, extreme=10.0),
    "gamma": Case("gamma", AMOUNTS, perfect=log_target, extreme=10.0),
    "tweedie": Case("tweedie", COUNTS, perfect=log_target, extreme=10.0),
    "tweedie-inverse_gaussian": Case(
        "tweedie", AMOUNTS, {"power": 3.0}, perfect=log_target, extreme=5.0
    ),
}
