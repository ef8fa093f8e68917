"""Slices of losses, and the directions along which they are cut."""

import pytest
import torch
from losslab.analysis.curvature.landscape import direction, landscape, losses
from small_subjects import in_batches, subject_for
from torch import nn


def test_each_filter_is_as_long_as_that_of_the_weights():
    convolution = nn.Conv2d(2, 4, 3)
    found = direction([convolution.weight, convolution.bias])
    assert found[0].shape == (4, 2, 3, 3)
    torch.testing.assert_close(
        found[0].flatten(1).norm(dim=1), convolution.weight.detach().flatten(1).norm(dim=1)
    )
    assert not found[1].any()


def test_a_model_of_vectors_alone_moves_as_a_whole():
    (found,) = direction([torch.tensor([3.0, 4.0])])
    assert found.norm() == pytest.approx(5)


def test_a_line_goes_through_the_weights_as_they_are():
    subject = in_batches(subject_for("regularised"), 5)
    here = losses(subject)
    before = [weight.detach().clone() for weight in subject.weights.values()]
    found = landscape(subject, steps=5)
    assert found.steps.tolist() == [-1, -0.5, 0, 0.5, 1]
    for name, values in found.values.items():
        assert values[2].item() == pytest.approx(here[name])
    total, *terms = found.values.values()
    torch.testing.assert_close(total, sum(terms))
    assert all(torch.equal(*pair) for pair in zip(before, subject.weights.values(), strict=True))


def test_of_a_linear_model_squared_error_is_a_parabola():
    subject = subject_for("mse", model=nn.Linear(3, 2))
    values = landscape(subject, steps=9).values["total"]
    third = values.diff(n=3)
    assert third.abs().max() < 1e-12
    assert values.diff(n=2).min() > 0


def test_a_plane_crosses_lines_of_its_directions():
    subject = subject_for("mse")
    plane = landscape(subject, plane=True, steps=3, seed=7)
    line = landscape(subject, steps=3, seed=7)
    assert plane.values["total"].shape == (3, 3)
    torch.testing.assert_close(plane.values["total"][:, 1], line.values["total"])


def test_it_tells_how_far_it_is():
    heard = []
    landscape(subject_for("mse"), steps=3, tell=lambda done, of: heard.append((done, of)))
    assert heard == [(1, 3), (2, 3), (3, 3)]
