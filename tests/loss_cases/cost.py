"""Cases of the losses in losses/cost.py."""

from .draw import INDICES, PAIR, PIXELS, SOFT_IMAGE, Case, certain

THREE = [[0.0, 1.0, 2.0], [5.0, 0.0, 0.5], [1.0, 0.0, 0.0]]
TWO = [[0.0, 1.0], [7.0, 0.0]]

CASES = {
    "expected_cost": Case("expected_cost", INDICES, perfect=certain),
    "expected_cost-pixels": Case("expected_cost", PIXELS, {"cost_matrix": THREE}, perfect=certain),
    "expected_cost-binary": Case("expected_cost", PAIR, {"cost_matrix": TWO}, perfect=certain),
    "expected_cost-soft_image": Case("expected_cost", SOFT_IMAGE),
    "cost_weighted": Case("cost_weighted_cross_entropy", INDICES, perfect=certain),
    "cost_weighted-pixels": Case(
        "cost_weighted_cross_entropy", PIXELS, {"cost_matrix": THREE}, perfect=certain
    ),
    "cost_weighted-binary": Case("cost_weighted_cross_entropy", PAIR, perfect=certain),
    "cost_weighted-soft_image": Case(
        "cost_weighted_cross_entropy", SOFT_IMAGE, {"cost_matrix": TWO}
    ),
}
