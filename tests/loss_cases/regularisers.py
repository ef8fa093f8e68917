"""Cases of the losses in losses/regularisers.py."""

from .draw import PARAMETERS, Case

CASES = {
    "l1_norm": Case("l1_norm", PARAMETERS),
    "l2_norm": Case("l2_norm", PARAMETERS),
}
