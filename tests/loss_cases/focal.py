"""Cases of the losses in losses/focal.py."""

from .draw import INDICES, PAIR, PIXELS, SOFT_IMAGE, Case, certain

CASES = {
    "focal-binary": Case("focal", SOFT_IMAGE, {"alpha": 0.25}, numeric=("gamma", "alpha")),
    "focal-pixels": Case(
        "focal",
        PIXELS,
        {"gamma": 1.5, "alpha": [0.2, 0.3, 0.5]},
        perfect=certain,
        numeric=("gamma",),
    ),
    "focal-gamma_half": Case("focal", INDICES, {"gamma": 0.5}, perfect=certain),
    "sigmoid_focal": Case("sigmoid_focal", PAIR, perfect=certain, numeric=("gamma",)),
    "sigmoid_focal-soft_image": Case(
        "sigmoid_focal", SOFT_IMAGE, {"gamma": 0.5, "alpha": 0.25}, numeric=("gamma", "alpha")
    ),
    "asymmetric": Case(
        "asymmetric", PAIR, perfect=certain, numeric=("gamma_neg", "gamma_pos", "clip")
    ),
    "asymmetric-soft_image": Case(
        "asymmetric", SOFT_IMAGE, {"gamma_neg": 0.5, "gamma_pos": 0.5, "clip": 0.0}
    ),
}
