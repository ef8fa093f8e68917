"""Cases of the loss in losses/cl_dice.py."""

from .draw import MASK, PIXELS, SOFT_IMAGE, Case, certain

CASES = {
    "cl_dice-mask": Case("cl_dice", MASK, perfect=certain, numeric=("alpha", "smooth")),
    "cl_dice-soft_image": Case("cl_dice", SOFT_IMAGE, {"alpha": 1.0, "iterations": 1}),
    "cl_dice-pixels": Case(
        "cl_dice",
        PIXELS,
        {"class_weight": [1.0, 2.0, 3.0], "empty": "penalise", "smooth": 0.1},
        perfect=certain,
    ),
    "cl_dice-batch": Case(
        "cl_dice", PIXELS, {"per": "batch", "smooth": 0.0}, couples_rows=True, perfect=certain
    ),
}
