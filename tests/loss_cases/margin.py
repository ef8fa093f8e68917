"""Cases of the losses in losses/margin.py."""

from typing import Any

from torch import Tensor

from .draw import BATCH, INDICES, PAIR, PIXELS, Case, certain, drawn, index, normal


def signs(*shape: int) -> Any:
    return lambda g: 2 * index(2, *shape)(g) - 1


def certain_signs(inputs: dict[str, Any]) -> dict[str, Tensor]:
    return {"logits": 16 * inputs["target"].double()}


SIGNS = drawn(logits=normal(BATCH, 1), target=signs(BATCH, 1))
TAGS = drawn(logits=normal(BATCH, 3), target=index(2, BATCH, 3))
IMAGE_TAGS = drawn(logits=normal(BATCH, 2, 2, 3), target=index(2, BATCH, 2, 2, 3))

CASES = {
    "hinge-binary": Case("hinge", PAIR, perfect=certain, numeric=("margin",)),
    "hinge-pixels": Case("hinge", PIXELS, {"margin": 0.7}, perfect=certain),
    "hinge-tags": Case("hinge", TAGS, perfect=certain),
    "squared_hinge-binary": Case("squared_hinge", PAIR, perfect=certain, numeric=("margin",)),
    "squared_hinge-pixels": Case("squared_hinge", PIXELS, perfect=certain),
    "crammer_singer": Case("crammer_singer", INDICES, perfect=certain, numeric=("margin",)),
    "crammer_singer-pixels": Case("crammer_singer", PIXELS, {"margin": 2.0}, perfect=certain),
    "perceptron-binary": Case("perceptron", PAIR, perfect=certain),
    "perceptron-pixels": Case("perceptron", PIXELS, perfect=certain),
    "logistic": Case("logistic", PAIR, perfect=certain),
    "logistic-pm1": Case("logistic", SIGNS, {"labels": "pm1"}, perfect=certain_signs),
    "logistic-tags": Case("logistic", IMAGE_TAGS, perfect=certain),
    # e^11 is the largest exponential that a gradient in half precision holds.
    "exponential": Case("exponential", PAIR, perfect=certain, extreme=10.0),
    "exponential-pm1": Case(
        "exponential", SIGNS, {"labels": "pm1"}, perfect=certain_signs, extreme=10.0
    ),
}
