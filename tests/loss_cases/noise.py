"""Cases of the losses in losses/noise.py."""

from .draw import INDICES, PIXELS, Case, certain

CASES = {
    "generalized_cross_entropy": Case(
        "generalized_cross_entropy", INDICES, perfect=certain, numeric=("q",)
    ),
    "generalized_cross_entropy-pixels": Case("generalized_cross_entropy", PIXELS, {"q": 1.0}),
    "symmetric_cross_entropy": Case(
        "symmetric_cross_entropy",
        INDICES,
        perfect=certain,
        numeric=("alpha", "beta"),
    ),
    "symmetric_cross_entropy-pixels": Case("symmetric_cross_entropy", PIXELS, {"beta": 0.5}),
}
