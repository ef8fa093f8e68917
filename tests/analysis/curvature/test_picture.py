"""What the picture shows."""

import pytest
from losslab.analysis.curvature import Asked, measure
from losslab.analysis.curvature.picture import draw
from small_subjects import subject_for


def drawn(method, slice_):
    found = measure(subject_for("regularised"), Asked(method=method, slice=slice_, top=3))
    return found, draw(found.spectra, found.landscape)


def test_every_term_has_its_density_and_the_largest_are_marked():
    found, figure = drawn("exact", None)
    (axes,) = figure.axes
    *densities, marks = axes.lines
    assert [line.get_label() for line in densities] == list(found.spectra)
    assert list(marks.get_xdata()) == pytest.approx(found.spectra["total"].top)
    assert axes.get_title() == "spectrum (exact)"
    assert axes.get_yscale() == "log"


def test_a_line_stands_beside_it():
    found, figure = drawn("estimated", "line")
    density, line = figure.axes
    assert density.get_title() == "spectrum (stochastic Lanczos quadrature)"
    assert [each.get_label() for each in line.lines][:3] == list(found.landscape.values)


def test_so_does_a_plane():
    _, figure = drawn("exact", "plane")
    plane = figure.axes[1]
    assert plane.get_xlabel() == "first random direction"
    assert plane.collections
