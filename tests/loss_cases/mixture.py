"""Cases of the loss in losses/mixture.py."""

from typing import Any

from torch import Tensor

from .draw import BATCH, Case, drawn, normal

SHARED = drawn(
    mixture_logits=normal(BATCH, 3),
    mu=normal(BATCH, 3, 2),
    log_sigma=normal(BATCH, 3, 2),
    target=normal(BATCH, 2),
)
OWN = drawn(
    mixture_logits=normal(BATCH, 2, 3),
    mu=normal(BATCH, 2, 3),
    log_sigma=normal(BATCH, 2, 3),
    target=normal(BATCH, 2),
)


def met(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Every component at the target."""
    axis = inputs["mixture_logits"].ndim - 1
    return {"mu": inputs["target"].unsqueeze(axis).expand_as(inputs["mu"])}


CASES = {
    "mdn_nll": Case("mdn_nll", SHARED, perfect=met, extreme=4.0),
    "mdn_nll-each_output": Case("mdn_nll", OWN, perfect=met, extreme=4.0),
}
