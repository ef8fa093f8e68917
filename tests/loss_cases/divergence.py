"""Cases of the losses in losses/divergence.py."""

import torch
from torch import Tensor

from .draw import BATCH, PAIR, SOFT_IMAGE, Case, certain, drawn, normal, simplex

DISTRIBUTIONS = drawn(logits=normal(BATCH, 4), target=simplex(BATCH, 4))


def _two_of_three(g: torch.Generator) -> Tensor:
    return (1 - torch.eye(3).double())[torch.randint(3, (BATCH, 2), generator=g)].movedim(2, 1) / 2


ZEROS = drawn(logits=normal(BATCH, 3, 2), target=_two_of_three)

CASES = {
    "kl_divergence": Case("kl_divergence", DISTRIBUTIONS, numeric=("temperature",)),
    "kl_divergence-zeros": Case("kl_divergence", ZEROS, {"temperature": 2.0}, perfect=certain),
    "kl_divergence-binary": Case("kl_divergence", SOFT_IMAGE, numeric=("temperature",)),
    "js_divergence": Case("js_divergence", DISTRIBUTIONS),
    "js_divergence-zeros": Case("js_divergence", ZEROS, perfect=certain),
    "js_divergence-binary": Case("js_divergence", PAIR, perfect=certain),
    "js_divergence-soft_image": Case("js_divergence", SOFT_IMAGE),
}
