"""Cases of the loss in losses/poly1.py."""

from .draw import PIXELS, SOFT_IMAGE, Case, certain

CASES = {
    "poly1-binary": Case("poly1", SOFT_IMAGE, numeric=("epsilon",)),
    "poly1-pixels": Case("poly1", PIXELS, {"epsilon": -1.0}, perfect=certain, numeric=("epsilon",)),
}
