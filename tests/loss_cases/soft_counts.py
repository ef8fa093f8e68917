"""Cases of the losses in losses/soft_counts.py."""

from .draw import BATCH, MASK, PIXELS, SOFT_IMAGE, Case, certain, drawn, mask, normal

TAGS = drawn(logits=normal(BATCH, 3), target=mask(BATCH, 3))

CASES = {
    "soft_f1-mask": Case("soft_f1", MASK, couples_rows=True, perfect=certain, numeric=("beta",)),
    "soft_f1-soft_image": Case("soft_f1", SOFT_IMAGE, {"beta": 2.0}, couples_rows=True),
    "soft_f1-pixels": Case(
        "soft_f1",
        PIXELS,
        {"class_weight": [1.0, 2.0, 3.0]},
        couples_rows=True,
        perfect=certain,
    ),
    "soft_f1-tags": Case("soft_f1", TAGS, couples_rows=True, perfect=certain),
    "soft_precision-mask": Case(
        "soft_precision",
        MASK,
        couples_rows=True,
        perfect=certain,
        numeric=("min_recall", "penalty"),
    ),
    "soft_precision-pixels": Case(
        "soft_precision", PIXELS, {"min_recall": 0.9}, couples_rows=True, perfect=certain
    ),
    "soft_recall-mask": Case(
        "soft_recall",
        MASK,
        couples_rows=True,
        perfect=certain,
        numeric=("min_precision", "penalty"),
    ),
    "soft_recall-pixels": Case(
        "soft_recall", PIXELS, {"min_precision": 0.9}, couples_rows=True, perfect=certain
    ),
}
