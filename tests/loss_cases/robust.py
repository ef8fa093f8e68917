"""Cases of the losses in losses/robust.py."""

from .draw import REAL, Case, exact

CASES = {
    "charbonnier": Case("charbonnier", REAL, {"eps": 0.5}, perfect=exact, numeric=("eps",)),
    "charbonnier-default": Case("charbonnier", REAL, perfect=exact),
    "cauchy": Case("cauchy", REAL, {"scale": 0.5}, perfect=exact, numeric=("scale",)),
    "welsch": Case("welsch", REAL, {"scale": 2.0}, perfect=exact, numeric=("scale",)),
}
