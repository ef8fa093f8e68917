"""Curvature from a configuration, from end to end in Python."""

import pytest
import torch
from losslab.analysis.curvature import GAUSS_NEWTON, TOTAL, Asked, curvature, measure, subject_of
from losslab.errors import UserError
from losslab.losses import Term
from small_runs import config_of
from small_subjects import mlp, source_for, step_for, subject_for


class Once(torch.autograd.Function):
    """A square whose derivative can't be derived."""

    @staticmethod
    def forward(context, input):
        context.save_for_backward(input)
        return input.square()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context, gradient):
        (saved,) = context.saved_tensors
        return 2 * saved * gradient


def test_of_a_configuration_it_is_that_of_the_model_before_its_first_step():
    words = ["model.width=4", "model.depth=1", "loss=bce+l2_norm", "loss.l2_norm.weight=0.1"]
    config = config_of(*words)
    found = curvature(config, asked=Asked(samples=50, double=True))
    facts = dict(found.facts)
    assert facts.pop("lr") == config["optimizer"]["lr"]
    assert facts == {
        "model": "MLP",
        "weights": 30 * 4 + 4 + 4 + 1,
        "samples": 50,
        "split": "train",
        "device": "cpu",
        "precision": "float64",
        "optimizer": "AdamW",
    }
    assert list(found.spectra) == [TOTAL, "bce", "l2_norm", GAUSS_NEWTON]
    assert list(found.losses) == [TOTAL, "bce", "l2_norm"]
    # ½ Σ w² over the weights of layers, not their biases: its Hessian is 0.1 there.
    assert found.spectra["l2_norm"].trace.value == pytest.approx(0.1 * 124)
    assert found.largest_step == pytest.approx(2 / found.spectra[TOTAL].top[0])
    assert found.landscape is None


def test_one_term_is_the_total():
    found = measure(subject_for("mse"), Asked(slice="line"))
    assert list(found.spectra) == [TOTAL, GAUSS_NEWTON]
    assert found.landscape.values["total"].shape == (41,)


def test_without_positive_curvature_no_step_is_too_large():
    source = source_for("real", 2)
    terms = [Term("hill", lambda parameters: -sum(p.square().sum() for p in parameters.values()))]
    found = measure(subject_of(step_for(mlp(2), source, terms), source), Asked())
    assert found.spectra[TOTAL].top[0] == pytest.approx(-2)
    assert found.largest_step is None


def once(prediction, target):
    return Once.apply(prediction - target).square()


def attended(prediction, target):
    """Fused attention, whose backward pass torch can't derive."""
    rows = prediction[None, None]
    return torch.nn.functional.scaled_dot_product_attention(rows, rows, rows)[0, 0] - target


@pytest.mark.parametrize("method", ["exact", "estimated"])
@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (once, "total goes through a function whose backward can be derived once only"),
        (attended, "total has none: derivative for aten::.*attention.* is not implemented"),
    ],
)
def test_a_loss_that_can_be_derived_once_only_is_refused(loss, text, method):
    source = source_for("real", 2)
    subject = subject_of(step_for(mlp(2), source, [Term("once", loss)]), source)
    with pytest.raises(UserError, match=text):
        measure(subject, Asked(method=method))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"split": "all"}, "--split must be one of train, val, test; got all"),
        ({"method": "fast"}, "--method must be one of auto, exact, estimated; got fast"),
        ({"slice": "cube"}, "--slice must be one of line, plane; got cube"),
        ({"samples": 0}, "--samples must be at least 1; got 0"),
        ({"top": 0}, "--top must be at least 1; got 0"),
    ],
)
def test_what_can_not_be_measured_is_said(options, text):
    with pytest.raises(UserError, match=text):
        Asked(**options)
