"""The Gauss–Newton matrix, beside its definition with whole matrices."""

import pytest
import torch
from losslab.analysis.curvature import GaussNewton, Hessian, dense
from losslab.analysis.curvature.subject import flat
from small_subjects import in_batches, subject_for
from torch import nn


def test_of_squared_error_it_is_made_of_the_jacobian():
    """The mean over 12 × 2 squared errors has ∇²ℓ = 2/24 · I."""
    subject = subject_for("mse")
    prediction = subject.outputs(0)["prediction"].flatten()
    weights = list(subject.weights.values())
    rows = [torch.autograd.grad(value, weights, retain_graph=True) for value in prediction]
    jacobian = torch.stack([flat(row) for row in rows])
    torch.testing.assert_close(dense(GaussNewton(subject)), jacobian.T @ jacobian * 2 / 24)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "regularised"])
def test_of_a_linear_model_it_is_the_hessian(loss):
    torch.manual_seed(0)
    model = nn.Linear(3, 2 if loss == "mse" else 3)
    subject = subject_for(loss, model=model)
    torch.testing.assert_close(dense(GaussNewton(subject)), dense(Hessian(subject)))


def test_of_a_convex_loss_it_has_no_negative_eigenvalue_where_the_hessian_has():
    subject = in_batches(subject_for("cross_entropy"), 5)
    assert torch.linalg.eigvalsh(dense(Hessian(subject)))[0] < -1e-3
    assert torch.linalg.eigvalsh(dense(GaussNewton(subject)))[0] > -1e-12


def test_a_regulariser_keeps_its_own_curvature():
    subject = subject_for("regularised")
    torch.testing.assert_close(
        dense(GaussNewton(subject, "l2_norm")), dense(Hessian(subject, "l2_norm"))
    )


def test_a_constant_has_none():
    from losslab.analysis.curvature import subject_of
    from losslab.losses import Term
    from small_subjects import mlp, source_for, step_for

    source = source_for("real", 2)
    terms = [Term("constant", lambda target: target.square())]
    subject = subject_of(step_for(mlp(2), source, terms), source)
    assert not dense(GaussNewton(subject)).any()
