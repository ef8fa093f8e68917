"""Formulas that numbers turn out to follow, and numbers that follow none."""

import pytest
import torch
from losslab.analysis.trace.recognised import gradient_formula, update_formula, weight_formula
from losslab.data.spec import Spec

CLASSES, BINARY, REAL = Spec((2,), "classes", 3), Spec((2,), "binary", 1), Spec((2,), "real", 2)


def gradient_of(loss, output, target):
    output = output.clone().requires_grad_()
    return torch.autograd.grad(loss(output, target), output)[0]


LOSSES = {
    "cross-entropy": (torch.nn.CrossEntropyLoss(), CLASSES, "(softmax(logits) − target) / 4"),
    "summed": (
        torch.nn.CrossEntropyLoss(reduction="sum"),
        CLASSES,
        "softmax(logits) − target",
    ),
    "smoothed": (torch.nn.CrossEntropyLoss(label_smoothing=0.1), CLASSES, ""),
    "bce": (torch.nn.BCEWithLogitsLoss(), BINARY, "(sigmoid(logits) − target) / 4"),
    "mse": (torch.nn.MSELoss(), REAL, "(prediction − target) / 4"),
    "l1": (torch.nn.L1Loss(), REAL, "sign(prediction − target) / 8"),
    "huber": (torch.nn.HuberLoss(delta=0.3), REAL, ""),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_by_the_answer(name):
    loss, spec, formula = LOSSES[name]
    torch.manual_seed(0)
    output = torch.randn(4, spec.outputs)
    targets = {
        "classes": torch.tensor([0, 2, 1, 0]),
        "binary": torch.tensor([[0.0], [1], [1], [0]]),
        "real": torch.randn(4, 2),
    }
    target = targets[spec.target]
    assert gradient_formula(gradient_of(loss, output, target), output, target, spec) == formula


def test_no_gradient_is_no_formula():
    zero = torch.zeros(4, 2)
    assert gradient_formula(zero, zero, zero, REAL) == ""


def test_the_weight_of_an_affine_map():
    layer, x = torch.nn.Linear(3, 2), torch.randn(5, 3)
    output = layer(x)
    upstream = torch.randn(5, 2)
    output.backward(upstream)
    assert weight_formula(layer, layer.weight.grad, upstream, x)
    assert not weight_formula(layer, 2 * layer.weight.grad, upstream, x)
    assert not weight_formula(torch.nn.Tanh(), layer.weight.grad, upstream, x)


W, G = torch.tensor([1.0, -1.0]), torch.tensor([0.5, -0.2])


@pytest.mark.parametrize(
    ("steps", "formula"),
    [
        ([G], "W − lr · gradient"),
        ([G.sign()], "W − lr · sign(gradient)"),
        ([torch.ones(2)], "W − lr"),
        ([2 * G], ""),
        ([G, G.sign()], ""),
    ],
    ids=["gradient", "sign", "constant", "momentum", "not every step"],
)
def test_what_the_steps_did(steps, formula):
    assert update_formula([(W, W - 0.1 * step, G, 0.1) for step in steps]) == formula


def test_what_two_rules_explain_is_told_of_both():
    up = G.abs()
    assert update_formula([(W, W - 0.1, up, 0.1)]) == "W − lr · sign(gradient) or W − lr"
