"""Cases of the loss in losses/lovasz.py."""

from .draw import MASK, PIXELS, Case, certain

CASES = {
    "lovasz-mask": Case("lovasz", MASK, perfect=certain),
    "lovasz-mask-batch": Case("lovasz", MASK, {"per": "batch"}, couples_rows=True),
    "lovasz-pixels": Case(
        "lovasz",
        PIXELS,
        {"class_weight": [1.0, 2.0, 3.0], "empty": "penalise"},
        perfect=certain,
    ),
    "lovasz-pixels-batch": Case(
        "lovasz", PIXELS, {"per": "batch", "exclude": [0]}, couples_rows=True, perfect=certain
    ),
}
