"""Cases of the losses in losses/classification.py."""

from .draw import (
    BATCH,
    INDICES,
    PAIR,
    PIXELS,
    SOFT_IMAGE,
    Case,
    certain,
    drawn,
    index,
    normal,
    simplex,
)

PROBABILITIES = drawn(logits=normal(BATCH, 4), target=simplex(BATCH, 4))

CASES = {
    "bce": Case("bce", PAIR, perfect=certain, numeric=("label_smoothing", "pos_weight")),
    "bce-soft_image": Case("bce", SOFT_IMAGE, {"label_smoothing": 0.1, "pos_weight": 3.0}),
    "reconstruction": Case("reconstruction", SOFT_IMAGE),
    "cross_entropy": Case("cross_entropy", INDICES, perfect=certain, numeric=("label_smoothing",)),
    "cross_entropy-pixels": Case("cross_entropy", PIXELS, {"label_smoothing": 0.1}),
    "cross_entropy-probabilities": Case(
        "cross_entropy", PROBABILITIES, {"label_smoothing": 0.1}, numeric=("label_smoothing",)
    ),
    "nll": Case(
        "nll",
        drawn(
            log_prob=lambda g: normal(BATCH, 3, 2, 3)(g).log_softmax(1),
            target=index(3, BATCH, 2, 3),
        ),
    ),
    "brier": Case("brier", PIXELS, perfect=certain),
    "brier-binary": Case("brier", SOFT_IMAGE),
    "brier-probabilities": Case("brier", PROBABILITIES),
}
