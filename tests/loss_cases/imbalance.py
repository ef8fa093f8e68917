"""Cases of the losses in losses/imbalance.py."""

from .draw import INDICES, PIXELS, Case, certain

CASES = {
    "logit_adjusted": Case(
        "logit_adjusted",
        INDICES,
        {"counts": [900, 90, 9, 1]},
        perfect=certain,
        numeric=("tau",),
    ),
    "logit_adjusted-pixels": Case("logit_adjusted", PIXELS, {"counts": [0.7, 0.2, 0.1]}),
    "ldam": Case(
        "ldam",
        INDICES,
        {"counts": [900, 90, 9, 1], "scale": 2.0},
        perfect=certain,
        numeric=("max_margin", "scale"),
    ),
    "ldam-pixels": Case("ldam", PIXELS, {"counts": [70, 20, 10]}),
}
