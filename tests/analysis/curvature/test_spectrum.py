"""A spectrum in full and by estimates."""

import sys

import pytest
import torch
from losslab.analysis.curvature import Effort, Matrix
from losslab.analysis.curvature.spectrum import spectrum
from small_subjects import symmetric

VALUES = [10.0, 5.0, -2.0, -1.0, *(0.01 * k for k in range(-8, 8)), *torch.linspace(0.2, 1, 80)]


def test_in_full_it_is_counted():
    found = spectrum(Matrix(symmetric(VALUES)), top=2)
    assert found.exact
    assert found.top == pytest.approx((10, 5))
    assert found.lowest == pytest.approx(-2)
    assert found.trace == pytest.approx((float(sum(VALUES)), 0))
    assert found.negative == pytest.approx((2 / 100, 0))
    assert found.flat == pytest.approx((16 / 100, 0))
    assert (found.products, found.magnitude) == (100, pytest.approx(10))


def test_estimates_are_close_to_it():
    exact = spectrum(Matrix(symmetric(VALUES)))
    found = spectrum(Matrix(symmetric(VALUES)), method="estimated", effort=Effort(seed=1))
    assert not found.exact
    assert found.top == pytest.approx(exact.top, rel=1e-3)
    assert found.lowest == pytest.approx(exact.lowest, rel=1e-3)
    for name in ("trace", "negative", "flat"):
        value, error = getattr(found, name)
        assert abs(value - getattr(exact, name).value) < 3 * error


def test_many_weights_are_estimated(monkeypatch):
    monkeypatch.setattr(sys.modules[spectrum.__module__], "MOST_EXACT", 99)
    assert not spectrum(Matrix(symmetric(VALUES))).exact


def test_zeros_are_flat():
    for method in ("exact", "estimated"):
        found = spectrum(Matrix(torch.zeros(50, 50)), method=method)
        assert found.flat == (1.0, 0.0)
        assert found.negative.value == 0


def test_it_tells_how_far_it_is():
    heard = []
    matrix = Matrix(symmetric(VALUES))
    found = spectrum(matrix, method="estimated", tell=lambda done, of: heard.append((done, of)))
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1][0] == found.products
    assert all(done <= of for done, of in heard)
