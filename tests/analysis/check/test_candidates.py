"""Which tensor is the answer and which the target, what is drawn, and what fits a loss."""

import pytest
import torch
import torch.nn.functional as F
from losslab import losses
from losslab.analysis.check.arguments import documented_shapes
from losslab.analysis.check.candidates import main_and_target, probes
from losslab.analysis.check.layouts import SAMPLES
from losslab.errors import UserError

PAIRS = {
    ("logits", "target"): ("logits", "target"),
    ("y_true", "y_pred"): ("y_pred", "y_true"),
    ("input", "target"): ("input", "target"),
    ("input", "target", "var"): ("input", "target"),
    ("probability", "labels"): ("probability", "labels"),
    ("prediction", "target", "weight"): ("prediction", "target"),
    ("embedding", "target"): ("embedding", "target"),
    ("left", "right"): ("left", "right"),
    ("pred", "gt"): ("pred", "gt"),
    ("mu", "logvar"): (None, None),
    ("mu", "sigma", "target"): (None, "target"),
    ("logits", "action", "advantage"): ("logits", None),
    ("model", "input", "target"): (None, None),
    ("parameters",): (None, None),
}


@pytest.mark.parametrize("asked", PAIRS, ids=", ".join)
def test_answer_and_target_are_told_by_name(asked):
    assert main_and_target(list(asked)) == PAIRS[asked]


def documented(mixture_logits, mu, log_sigma, target):
    """Mine.

    Args:
        mixture_logits: of the components, `[batch, components]`.
        mu: `[batch, components,
            dimensions]`.
        log_sigma: shaped like `mu`.
        target: `[batch, ...]`, shaped like `mu`.
    """
    return mu.sum() + mixture_logits.sum() + log_sigma.sum() + target.sum()


def test_shapes_are_read_from_the_docstring():
    three = ["batch", "components", "dimensions"]
    assert documented_shapes(documented) == {
        "mixture_logits": ["batch", "components"],
        "mu": three,
        "log_sigma": three,
        "target": three,
    }


def test_documented_shapes_are_drawn():
    probe = probes(documented)[0]
    shapes = {name: tuple(tensor.shape) for name, tensor in {**probe.leaves, **probe.given}.items()}
    assert shapes == {
        "mixture_logits": (SAMPLES, 3),
        "mu": (SAMPLES, 3, 2),
        "log_sigma": (SAMPLES, 3, 2),
        "target": (SAMPLES, 3, 2),
    }
    assert probe.names == ("mixture_logits", "mu", "log_sigma", "target")
    assert set(probe.given) == {"target"}


def test_a_function_without_a_docstring_has_none():
    assert documented_shapes(lambda x: x) == {}


def test_what_comes_with_the_batch_wants_no_gradient():
    (probe,) = probes(losses.ppo_clip)[:1]
    assert set(probe.leaves) == {"logits"}
    assert set(probe.given) == {"action", "old_log_prob", "advantage"}
    assert probe.given["action"].dtype == torch.long


def test_widths_are_drawn_positive():
    def nll(mu, sigma, target):
        return sigma.log() + 0.5 * ((target - mu) / sigma) ** 2

    for probe in probes(nll):
        assert (probe.leaves["sigma"] > 0).all()
        assert probe.total().isfinite()


def test_parameters_and_models_are_drawn():
    (penalty, *_) = probes(losses.l2_norm)
    assert set(penalty.leaves) == {"parameters.layer.weight", "parameters.layer.bias"}
    assert penalty.samples == 0
    (through, *_) = probes(losses.gradient_penalty)
    assert "model.weight" in through.leaves
    assert "model" in through.names


def layouts(function):
    return [probe.layout.name for probe in probes(function)]


def test_a_name_that_says_what_it_is_limits_what_is_tried():
    def loss(probability, target):
        return F.binary_cross_entropy(probability, target)

    assert layouts(loss) == [
        "binary_probability",
        "one_hot_probability",
        "multilabel_probability",
        "mask_probability",
        "flat_probability",
    ]


def test_indices_are_not_taken_for_real_targets():
    def loss(y_pred, y_true):
        return F.cross_entropy(y_pred, y_true.long(), reduction="none")

    assert "classes" in layouts(loss)
    assert "real" not in layouts(losses.cross_entropy)


def test_log_probabilities_show_in_the_operations():
    def gathers(y_pred, y_true):
        return F.nll_loss(y_pred, y_true, reduction="none")

    def squares(y_pred, y_true):
        return (y_pred - y_true) ** 2

    assert "classes_log_probability" in layouts(gathers)
    assert not [name for name in layouts(squares) if name.endswith("log_probability")]


def test_labels_of_plus_and_minus_one_show_in_the_symmetry():
    assert "signs" in layouts(lambda y_pred, y_true: F.softplus(-y_pred * y_true))
    assert "signs" not in layouts(
        lambda y_pred, y_true: F.binary_cross_entropy_with_logits(y_pred, y_true)
    )


@pytest.mark.parametrize("count", [2, 5])
def test_a_list_among_the_options_says_how_many_classes(count):
    (probe, *_) = probes(losses.ldam, {"counts": [10.0] * count})
    assert probe.leaves["logits"].shape == (SAMPLES, count)


def test_a_list_that_fits_changes_nothing():
    (probe, *_) = probes(losses.dice, {"exclude": [0, 1]})
    assert probe.layout.name == "classes"
    assert probe.leaves["logits"].shape == (SAMPLES, 4)


def test_a_tensor_among_the_options_is_not_drawn():
    def loss(logits, target, margin):
        return F.relu(margin - logits * (2 * target - 1))

    (probe, *_) = probes(loss, {"margin": 1.0}, layout="binary")
    assert set(probe.leaves) == {"logits"}


def refuses(logits, target):
    raise ValueError("only on Sundays\nand holidays")


def with_an_option(logits, target, *, counts=None):
    if target.is_floating_point():
        raise ValueError("indices, please")
    raise ValueError("counts must be given")


REFUSED = {
    "its own words": (refuses, {}, r"for logits, target: ValueError: only on Sundays\. Give the"),
    "an option to be set": (with_an_option, {}, "ValueError: counts must be given"),
    "an option that it has not": (losses.mse, {"gama": 1}, "unexpected keyword argument 'gama'"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_nothing_fits_is_an_error(words):
    function, options, message = REFUSED[words]
    with pytest.raises(UserError, match=message):
        probes(function, options)


def test_a_kind_of_target_for_a_loss_without_one_is_an_error():
    with pytest.raises(UserError, match="it asks for mu, logvar, which is no pair"):
        probes(losses.gaussian_kl, layout="binary")


def test_a_function_that_hides_its_parameters_is_an_error():
    with pytest.raises(UserError, match="call it from a function of your own"):
        probes(torch.dist)


def test_a_kind_of_target_that_is_asked_for_is_taken():
    (probe,) = probes(lambda y_pred, y_true: (y_pred - y_true) ** 2, layout="flat_signs")
    assert probe.layout.name == "flat_signs"
