"""Cases of the losses in losses/penalties.py."""

from typing import Any

import torch
from torch import Tensor

from .draw import BATCH, CLASSES, IMAGE, Case, drawn, normal

IMAGES = drawn(prediction=normal(BATCH, 2, 2, 3))


def undecided(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Logits that give every class the same."""
    return {"logits": torch.zeros_like(inputs["logits"])}


def flat(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """An image of one colour."""
    return {"prediction": torch.zeros_like(inputs["prediction"])}


CASES = {
    "confidence_penalty": Case(
        "confidence_penalty", drawn(logits=normal(*CLASSES)), perfect=undecided
    ),
    "confidence_penalty-binary": Case(
        "confidence_penalty", drawn(logits=normal(*IMAGE)), perfect=undecided
    ),
    "confidence_penalty-threshold": Case(
        "confidence_penalty",
        drawn(logits=normal(BATCH, 4)),
        {"threshold": 1.2},
        perfect=undecided,
        numeric=("threshold",),
    ),
    "entropy": Case("entropy", drawn(logits=normal(BATCH, 4)), perfect=undecided),
    "total_variation": Case("total_variation", IMAGES, perfect=flat),
    "total_variation-isotropic": Case(
        "total_variation", IMAGES, {"kind": "isotropic"}, perfect=flat
    ),
}
