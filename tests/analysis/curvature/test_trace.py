"""The trace, and whether its standard error is true."""

import pytest
import torch
from losslab.analysis.curvature import Hessian, Matrix, dense
from losslab.analysis.curvature.trace import trace
from small_subjects import subject_for, symmetric

DECAYING = [3.0 * 0.9**k - 0.05 for k in range(120)]


def test_a_matrix_of_low_rank_leaves_nothing_to_estimate():
    estimate = trace(Matrix(symmetric([5.0, 2.0, -1.0] + [0.0] * 60)), products=30)
    assert estimate.value == pytest.approx(6, abs=1e-10)
    assert estimate.error < 1e-10


def test_its_error_is_as_large_as_it_says():
    """Over 60 seeds the errors, in standard errors of 9 degrees of freedom, have the size of 1."""
    matrix = symmetric(DECAYING)
    estimates = [trace(Matrix(matrix), products=30, seed=seed) for seed in range(60)]
    errors = torch.tensor([(e.value - sum(DECAYING)) / e.error for e in estimates])
    assert abs(errors.mean()) < 0.4
    assert 0.7 < errors.square().mean().sqrt() < 1.5


def test_of_a_network_it_is_that_of_the_whole_matrix():
    hessian = Hessian(subject_for("cross_entropy"))
    estimate = trace(hessian, products=30)
    assert abs(estimate.value - dense(hessian).trace().item()) < 3 * estimate.error


def test_more_products_than_weights_are_not_needed():
    estimate = trace(Matrix(symmetric([1.0, 2.0, 3.0])), products=60)
    assert estimate.value == pytest.approx(6)
