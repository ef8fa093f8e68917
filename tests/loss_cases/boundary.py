"""Cases of the losses in losses/boundary.py."""

from .draw import MASK, PIXELS, SOFT_IMAGE, Case, certain

CASES = {
    "boundary-mask": Case("boundary", MASK, perfect=certain),
    "boundary-soft_image": Case("boundary", SOFT_IMAGE, {"spacing": [2.0, 0.5], "empty": "zero"}),
    "boundary-pixels": Case(
        "boundary",
        PIXELS,
        {"class_weight": [1.0, 2.0, 3.0], "empty": "penalise"},
        perfect=certain,
    ),
    "hausdorff_dt-mask": Case("hausdorff_dt", MASK, perfect=certain, numeric=("alpha",)),
    "hausdorff_dt-soft_image": Case("hausdorff_dt", SOFT_IMAGE, {"spacing": [2.0, 0.5]}),
    "hausdorff_dt-pixels": Case(
        "hausdorff_dt", PIXELS, {"alpha": 1.0, "empty": "penalise", "exclude": [0]}, perfect=certain
    ),
}
