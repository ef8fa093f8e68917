"""Cases of the losses in losses/regularisers.py."""

from .draw import PARAMETERS, Case

HALF = {"layer*": 0.5}

CASES = {
    "l1_norm": Case("l1_norm", PARAMETERS),
    "l2_norm": Case("l2_norm", PARAMETERS),
    "elastic_net": Case("elastic_net", PARAMETERS, {"module_weight": HALF}, numeric=("l1_ratio",)),
    "orthogonality": Case("orthogonality", PARAMETERS, extreme=5.0),
}
