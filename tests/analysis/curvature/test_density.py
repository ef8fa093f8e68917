"""The density, beside spectra that are known."""

import pytest
import torch
from losslab.analysis.curvature import Matrix
from losslab.analysis.curvature.density import density
from small_subjects import symmetric

MIXED = [-1.0] * 20 + [0.0] * 100 + torch.linspace(1, 3, 80).tolist()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["double", "single"])
def test_shares_are_those_of_the_spectrum(dtype):
    found = density(Matrix(symmetric(MIXED).to(dtype)), vectors=10, steps=30)
    for low, high, wanted in ((-2, -0.5, 0.1), (-0.5, 0.5, 0.5), (0.5, 4, 0.4)):
        share, error = found.share(low, high)
        assert abs(share - wanted) < 3 * error
        assert error < 0.03


def test_each_quadrature_is_exact_in_the_first_moments():
    """v^T A^k v for k up to 2 · 4 − 1, with the vector that the seed draws."""
    matrix = symmetric(torch.linspace(-1, 2, 30))
    found = density(Matrix(matrix), vectors=1, steps=4, seed=5)
    vector = torch.randn(1, 30, generator=torch.Generator().manual_seed(5)).double()
    vector /= vector.norm()
    power = torch.eye(30, dtype=torch.float64)
    for k in range(8):
        moment = (found.weights * found.nodes**k).sum().item()
        assert moment == pytest.approx((vector @ power @ vector.T).item(), abs=1e-9)
        power = power @ matrix


def test_steps_end_where_a_vector_spans_no_more():
    found = density(Matrix(symmetric([2.0, -1.0] + [0.0] * 30)), vectors=4, steps=12)
    assert found.weights.sum(1) == pytest.approx([1.0] * 4)
    near = torch.tensor([2.0, -1.0, 0.0], dtype=torch.float64)
    distance = (found.nodes[..., None] - near).abs().amin(-1)
    assert (distance * (found.weights > 1e-9)).max() < 1e-6


def test_of_zeros_it_is_all_at_zero():
    assert density(Matrix(torch.zeros(30, 30)), vectors=2, steps=5).share(-1e-9, 1e-9)[0] == 1


def test_one_step_is_the_mean():
    found = density(Matrix(torch.eye(5)), vectors=2, steps=1)
    assert found.nodes == pytest.approx(torch.ones(2, 1))


def test_broadened_it_integrates_to_one():
    found = density(Matrix(symmetric(MIXED)), vectors=3, steps=20)
    points = torch.linspace(-3, 5, 2000, dtype=torch.float64)
    assert torch.trapezoid(found.at(points, 0.05), points) == pytest.approx(1, abs=1e-6)
