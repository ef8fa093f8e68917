"""Cases of the losses in losses/margin.py."""

from .draw import PAIR, PIXELS, Case, certain

CASES = {
    "hinge-binary": Case("hinge", PAIR, perfect=certain, numeric=("margin",)),
    "hinge-pixels": Case("hinge", PIXELS, {"margin": 0.7}, perfect=certain),
}
