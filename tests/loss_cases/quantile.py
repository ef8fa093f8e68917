"""Cases of the losses in losses/quantile.py."""

from typing import Any

from torch import Tensor

from .draw import BATCH, REAL, Case, drawn, exact, normal

LEVELS = [0.1, 0.5, 0.9]
SEVERAL = drawn(prediction=normal(BATCH, 2, len(LEVELS)), target=normal(BATCH, 2))


def exact_at_every_level(inputs: dict[str, Any]) -> dict[str, Tensor]:
    return {"prediction": inputs["target"].unsqueeze(-1).repeat(1, 1, len(LEVELS))}


CASES = {
    "quantile": Case("quantile", REAL, {"level": 0.8}, perfect=exact, numeric=("level",)),
    "quantile-levels": Case("quantile", SEVERAL, {"level": LEVELS}, perfect=exact_at_every_level),
    "expectile": Case("expectile", REAL, {"level": 0.8}, perfect=exact, numeric=("level",)),
    "expectile-levels": Case("expectile", SEVERAL, {"level": LEVELS}, perfect=exact_at_every_level),
}
