"""Curvature along training."""

import math

import pytest
import torch
from losslab.analysis.curvature import Hessian, dense, subject_of
from losslab.analysis.curvature.along import along_training
from losslab.losses import Term
from small_subjects import LOSSES, mlp, source_for, step_for


def test_it_is_that_of_the_weights_as_they_are():
    source = source_for("classes", 3)
    step = step_for(mlp(3), source, LOSSES["regularised"][2]())
    measure = along_training(source)
    for _ in range(2):
        matrix = dense(Hessian(subject_of(step, source)))
        found = measure(step, 0.0)
        top = torch.linalg.eigvalsh(matrix)[-1].item()
        assert found["curvature/top"] == pytest.approx(top, rel=1e-3)
        assert found["curvature/trace"] == pytest.approx(matrix.trace().item(), rel=0.1)
        step.train(next(source.batches("train", 12)), 0.0)
        step.flush()


def test_it_is_not_a_number_where_there_is_none():
    source = source_for("real", 2)

    def root(parameters):
        return sum((0 * p).abs().sqrt().sum() for p in parameters.values())

    terms = [Term("root", root)]
    found = along_training(source)(step_for(mlp(2), source, terms), 0.0)
    assert all(math.isnan(value) for value in found.values())
    assert list(found) == ["curvature/top", "curvature/trace"]
