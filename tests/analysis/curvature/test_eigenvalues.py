"""The ends of spectra that are known."""

import pytest
import torch
from losslab.analysis.curvature import Hessian, Matrix, dense
from losslab.analysis.curvature import eigenvalues as module
from losslab.analysis.curvature.eigenvalues import extreme_eigenvalues
from losslab.errors import UserError
from small_subjects import LOSSES, subject_for, symmetric

SPECTRA = {
    "spread": torch.linspace(-1, 5, 60).tolist(),
    "few large ones": [40.0, 9.0, 3.0, 2.0, 1.0] + [1e-3 * k for k in range(-30, 30)],
    "of rank 3": [4.0, 2.0, 1.0] + [0.0] * 57,
    "negative": (-torch.linspace(1, 3, 60)).tolist(),
    "small": (1e-6 * torch.linspace(-1, 5, 60)).tolist(),
}


@pytest.mark.parametrize("values", SPECTRA.values(), ids=SPECTRA)
def test_both_ends_are_found(values):
    top, lowest = extreme_eigenvalues(Matrix(symmetric(values)), 4)
    scale = max(map(abs, values))
    assert top == pytest.approx(sorted(values, reverse=True)[:4], abs=1e-5 * scale, rel=1e-5)
    assert lowest == pytest.approx(min(values), abs=1e-5 * scale, rel=1e-5)


def test_in_single_precision_too():
    values = SPECTRA["few large ones"]
    top, lowest = extreme_eigenvalues(Matrix(symmetric(values).float()), 4)
    assert top == pytest.approx(sorted(values, reverse=True)[:4], rel=1e-3)
    assert lowest == pytest.approx(min(values), abs=1e-4 * 40)


@pytest.mark.parametrize("loss", LOSSES)
def test_of_a_network_they_are_those_of_the_whole_matrix(loss):
    hessian = Hessian(subject_for(loss))
    values = torch.linalg.eigvalsh(dense(hessian)).tolist()
    top, lowest = extreme_eigenvalues(hessian, 3)
    assert top == pytest.approx(values[::-1][:3], rel=1e-3)
    assert lowest == pytest.approx(values[0], abs=1e-3 * top[0])


def test_a_matrix_of_zeros_has_zeros():
    assert extreme_eigenvalues(Matrix(torch.zeros(40, 40)), 3) == ([0.0, 0.0, 0.0], 0.0)


def test_of_a_tiny_matrix_there_are_as_many_as_it_has():
    top, lowest = extreme_eigenvalues(Matrix(symmetric([1.0, 3.0, -2.0])), 5)
    assert top == pytest.approx([3, 1, -2])
    assert lowest == pytest.approx(-2)


def test_derivatives_that_are_not_finite_are_refused():
    with pytest.raises(UserError, match="second derivatives that are not finite"):
        extreme_eigenvalues(Matrix(torch.full((40, 40), torch.nan)), 3)


def test_what_does_not_settle_is_said(monkeypatch):
    monkeypatch.setattr(module, "_RESTARTS", 1)
    with pytest.raises(UserError, match="not settled after 1 restarts: ask for fewer"):
        extreme_eigenvalues(Matrix(symmetric(torch.linspace(0, 1, 400))), 10, tol=1e-12)
