"""Cases of the losses that compare masks as wholes."""

from .draw import MASK, PIXELS, SOFT_IMAGE, Case, certain

CASES = {
    "dice-mask": Case("dice", MASK, perfect=certain, numeric=("smooth",)),
    "dice-soft_image": Case("dice", SOFT_IMAGE, {"smooth": 1.0, "empty": "zero"}),
    "dice-pixels": Case(
        "dice",
        PIXELS,
        {"class_weight": [1.0, 2.0, 3.0], "empty": "penalise"},
        perfect=certain,
    ),
    "dice-batch": Case("dice", PIXELS, {"per": "batch"}, couples_rows=True, perfect=certain),
}
