"""Cases of the losses in losses/adversarial.py."""

from typing import Any

from .draw import BATCH, Case, drawn, normal


def scores(*shape: int) -> dict[str, Any]:
    return {f"{name}_logits": normal(*shape) for name in ("real", "fake", "reversed")}


ROWS = drawn(**scores(BATCH, 1))
PATCHES = drawn(**scores(BATCH, 1, 2, 3))

CASES = {
    "non_saturating": Case("non_saturating", ROWS),
    "non_saturating-patches": Case("non_saturating", PATCHES),
    "least_squares_gan": Case(
        "least_squares_gan", ROWS, numeric=("real_label", "fake_label", "generator_label")
    ),
    "least_squares_gan-patches": Case(
        "least_squares_gan",
        PATCHES,
        {"real_label": 1.0, "fake_label": -1.0, "generator_label": 0.0},
    ),
    "hinge_gan": Case("hinge_gan", ROWS, numeric=("margin",)),
    "hinge_gan-patches": Case("hinge_gan", PATCHES, {"margin": 0.5}),
}
