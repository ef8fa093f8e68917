"""Cases of the losses that compare masks as wholes: losses/dice.py, tversky.py and mcc.py."""

from .draw import CLASSES, MASK, PIXELS, SOFT_IMAGE, Case, certain, drawn, mask, normal

MASKS = drawn(logits=normal(*CLASSES), target=mask(*CLASSES))
SOFT_CLASSES = drawn(logits=normal(*CLASSES), target=lambda g: normal(*CLASSES)(g).softmax(1))
PENALISED = {"class_weight": [1.0, 2.0, 3.0], "empty": "penalise"}
PER_BATCH = {"per": "batch"}
SOFTMAX = {"activation": "softmax", "exclude": [0]}

CASES = {
    "dice-mask": Case("dice", MASK, perfect=certain, numeric=("smooth",)),
    "dice-soft_image": Case("dice", SOFT_IMAGE, {"smooth": 1.0, "empty": "zero"}),
    "dice-pixels": Case("dice", PIXELS, PENALISED, perfect=certain),
    "dice-soft_classes": Case("dice", SOFT_CLASSES, SOFTMAX),
    "dice-batch": Case("dice", PIXELS, PER_BATCH, couples_rows=True, perfect=certain),
    "generalized_dice": Case("generalized_dice", PIXELS, perfect=certain, numeric=("smooth",)),
    "generalized_dice-masks": Case(
        "generalized_dice", MASKS, {**PENALISED, "volume": "simple", "smooth": 1.0}, perfect=certain
    ),
    "generalized_dice-batch": Case(
        "generalized_dice", PIXELS, {**PER_BATCH, "exclude": [2]}, couples_rows=True
    ),
    "log_cosh_dice": Case("log_cosh_dice", MASK, perfect=certain, numeric=("smooth",)),
    "log_cosh_dice-pixels": Case("log_cosh_dice", PIXELS, PENALISED, perfect=certain),
    "tversky": Case("tversky", PIXELS, perfect=certain, numeric=("alpha", "beta", "smooth")),
    "tversky-masks": Case("tversky", MASKS, {**PENALISED, "smooth": 1.0}, perfect=certain),
    "tversky-soft_classes": Case("tversky", SOFT_CLASSES, SOFTMAX),
    "focal_tversky": Case(
        "focal_tversky", MASK, perfect=certain, numeric=("alpha", "beta", "gamma", "smooth")
    ),
    "focal_tversky-pixels": Case(
        "focal_tversky", PIXELS, {**PENALISED, "gamma": 0.5}, perfect=certain
    ),
    "jaccard": Case("jaccard", MASK, perfect=certain, numeric=("smooth",)),
    "jaccard-pixels": Case("jaccard", PIXELS, {"exclude": [1]}, perfect=certain),
    "jaccard-batch": Case("jaccard", PIXELS, PER_BATCH, couples_rows=True, perfect=certain),
    "mcc": Case("mcc", MASK, perfect=certain, numeric=("smooth",)),
    "mcc-pixels": Case("mcc", PIXELS, {**PENALISED, "smooth": 1.0}, perfect=certain),
    "mcc-batch": Case("mcc", PIXELS, PER_BATCH, couples_rows=True, perfect=certain),
}
