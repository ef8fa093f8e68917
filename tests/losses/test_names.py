"""Signatures, aliases, and the sentence for a name that nobody supplies."""

import functools
from inspect import Parameter

import pytest
import torch
from losslab.losses import bce, dice, l2_norm
from losslab.losses.domains import LABELS, NON_NEGATIVE, REAL, UNIT
from losslab.losses.names import missing_name, read_signature, supplier
from torch import nn


def test_signatures_of_our_own_losses() -> None:
    signature = read_signature(dice)
    assert signature.tensors == ("logits", "target")
    assert signature.optional == ("weight",)
    assert list(signature.options)[:2] == ["smooth", "per"]
    assert signature.domains == {"logits": REAL, "target": LABELS, "weight": NON_NEGATIVE}
    assert read_signature(bce).domains == {"logits": REAL, "target": UNIT}
    assert read_signature(l2_norm).tensors == ("parameters",)


def test_a_default_makes_an_option_and_a_star_makes_all_that_follow() -> None:
    def mine(y_true, y_pred, axis=-1, *extra, gamma, delta=0.5, **more): ...

    signature = read_signature(mine)
    assert signature.tensors == ("y_true", "y_pred")
    assert signature.options == {"axis": -1, "gamma": Parameter.empty, "delta": 0.5}
    assert signature.open


@pytest.mark.parametrize("name", ["weight", "weights", "sample_weight", "sample_weights", "mask"])
def test_a_weight_that_defaults_to_none_is_optional(name: str) -> None:
    namespace: dict[str, object] = {}
    exec(f"def mine(logits, target, {name}=None, other=None): ...", namespace)
    signature = read_signature(namespace["mine"])
    assert signature.optional == (name,)
    assert signature.options == {"other": None}


def test_a_module_is_asked_for_its_forward() -> None:
    signature = read_signature(nn.SmoothL1Loss(reduction="none"))
    assert (signature.tensors, signature.open) == (("input", "target"), False)


def test_a_partial_asks_for_what_is_left() -> None:
    signature = read_signature(functools.partial(bce, label_smoothing=0.1))
    assert signature.tensors == ("logits", "target")
    assert signature.options["label_smoothing"] == 0.1


def test_annotations_that_cannot_be_evaluated_declare_nothing() -> None:
    def mine(logits: "Unknown", target: "torch.Nothing"): ...  # noqa: F821

    assert read_signature(mine).domains == {}


def test_a_function_without_a_signature_is_an_error() -> None:
    with pytest.raises(ValueError, match="can't be read: call it from a function of your own"):
        read_signature(torch._C._nn.softplus)


@pytest.mark.parametrize(
    ("name", "available", "expected"),
    [
        ("logits", ("logits", "target"), "logits"),
        ("y_true", ("logits", "target"), "target"),
        ("labels", ("logits", "target"), "target"),
        ("y_pred", ("logits", "target"), "logits"),
        ("output", ("logits", "target"), "logits"),
        ("x", ("input",), "input"),
        ("mask", ("weight",), "weight"),
        ("mask", ("weight", "mask"), "mask"),
        ("params", ("parameters",), "parameters"),
        ("labels", ("labels", "target"), "labels"),
        ("prediction", ("logits",), None),
        ("y_true", ("logits",), None),
        ("unheard_of", ("logits",), None),
    ],
)
def test_supplier_knows_what_pasted_code_calls_things(
    name: str, available: tuple[str, ...], expected: str | None
) -> None:
    assert supplier(name, available, "logits") == expected


def test_pasted_answers_are_predictions_where_the_target_is_real() -> None:
    assert supplier("y_pred", ("prediction", "target"), "prediction") == "prediction"
    assert supplier("logits", ("prediction", "target"), "prediction") is None


def test_a_missing_name_says_what_is_there_and_how_to_connect_it() -> None:
    text = missing_name("mse", "prediction", "prediction", ("input", "target"), ("logits",))
    assert text == (
        "loss mse asks for 'prediction', which nobody supplies: the batch gives input, target, "
        "the model gives logits. It is for real-valued targets, and this one is of classes or "
        "labels: choose one such as cross_entropy or bce; or, if one of these means the same, "
        "connect it: +loss.mse.names.prediction=NAME"
    )
    text = missing_name("bce", "logits", "logits", ("input", "target"), ("prediction",))
    assert "this target is real-valued: choose one such as mse or huber; or, if one" in text
    text = missing_name("mine", "border", "border", ("input", "target"), ("logits",))
    assert text.endswith(
        "the model gives logits. Choose a loss or model that fits; or, if one of these means the "
        "same, connect it: +loss.mine.names.border=NAME"
    )


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    text = missing_name("bce", "logits", "logit", ("input",), ("prediction", "logits"))
    assert "Did you mean logits?" in text
    assert text.endswith("+loss.bce.names.logits=logits")


def test_a_missing_name_where_nothing_is() -> None:
    text = missing_name("bce", "logits", "logits", (), ())
    assert "the batch gives nothing, the model gives nothing." in text


def test_a_name_that_a_head_can_give_says_so():
    text = missing_name("gaussian_nll", "logvar", "logvar", ["input"], ["prediction"])
    assert "let the model give it, model.heads=[logvar]" in text
