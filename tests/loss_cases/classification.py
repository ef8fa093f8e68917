"""Cases of the losses in losses/classification.py and losses/focal.py."""

from .draw import BATCH, INDICES, PAIR, PIXELS, SOFT_IMAGE, Case, certain, drawn, normal, simplex

CASES = {
    "bce": Case("bce", PAIR, perfect=certain, numeric=("label_smoothing", "pos_weight")),
    "bce-soft_image": Case("bce", SOFT_IMAGE, {"label_smoothing": 0.1, "pos_weight": 3.0}),
    "reconstruction": Case("reconstruction", SOFT_IMAGE),
    "cross_entropy": Case("cross_entropy", INDICES, perfect=certain, numeric=("label_smoothing",)),
    "cross_entropy-pixels": Case("cross_entropy", PIXELS, {"label_smoothing": 0.1}),
    "cross_entropy-probabilities": Case(
        "cross_entropy", drawn(logits=normal(BATCH, 4), target=simplex(BATCH, 4))
    ),
    "focal-binary": Case("focal", SOFT_IMAGE, {"alpha": 0.25}, numeric=("gamma", "alpha")),
    "focal-pixels": Case(
        "focal",
        PIXELS,
        {"gamma": 1.5, "alpha": [0.2, 0.3, 0.5]},
        perfect=certain,
        numeric=("gamma",),
    ),
    "focal-gamma_half": Case("focal", INDICES, {"gamma": 0.5}, perfect=certain),
}
