"""Cases of the losses in losses/crps.py."""

from typing import Any

from torch import Tensor

from .draw import BATCH, Case, drawn, exact, normal

FORECAST = drawn(prediction=normal(BATCH, 2), log_scale=normal(BATCH, 2), target=normal(BATCH, 2))
ENSEMBLE = drawn(members=normal(BATCH, 2, 5), target=normal(BATCH, 2))


def unanimous(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Members that all are the target."""
    return {"members": inputs["target"].unsqueeze(-1).expand_as(inputs["members"])}


# The score of a Gaussian grows as its spread, e^s: further out half precision can't hold it.
CASES = {
    "crps_gaussian": Case("crps_gaussian", FORECAST, perfect=exact, extreme=10.0),
    "crps_ensemble": Case("crps_ensemble", ENSEMBLE, perfect=unanimous),
    "crps_ensemble-fair": Case("crps_ensemble", ENSEMBLE, {"fair": True}),
}
