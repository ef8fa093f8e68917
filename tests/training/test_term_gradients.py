"""Shares and cosines of the terms' gradients, on gradients written down."""

import pytest
import torch
from losslab.training.term_gradients import cosines, module_shares, shares, term_gradients

GRADIENTS = {
    "one": [torch.tensor([3.0, 0.0]), torch.tensor([4.0])],
    "other": [torch.tensor([0.0, 5.0]), torch.tensor([-12.0])],
    "regulariser": [torch.tensor([0.0, -2.0]), None],
}


def test_shares_are_of_the_norms():
    assert shares(GRADIENTS) == pytest.approx(
        {"one": 5 / 20, "other": 13 / 20, "regulariser": 2 / 20}
    )


def test_within_a_module_they_are_of_its_own_weights():
    found = module_shares(GRADIENTS, ["encoder.0.weight", "decoder.weight"])
    assert found == pytest.approx({
        "one/encoder": 0.3, "other/encoder": 0.5, "regulariser/encoder": 0.2,
        "one/decoder": 0.25, "other/decoder": 0.75, "regulariser/decoder": 0.0,
    })  # fmt: skip


def test_cosines_tell_conflict_from_agreement():
    assert cosines(GRADIENTS) == pytest.approx({
        "one/other": -48 / 65, "one/regulariser": 0.0, "other/regulariser": -10 / 26,
    })  # fmt: skip
    assert cosines({"a": [torch.ones(2)], "constant": [None]}) == {"a/constant": 0.0}


def test_a_term_without_gradient_has_none_and_no_share():
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    terms = {"sum": weight.sum(), "constant": torch.tensor(3.0)}
    found = term_gradients(terms, [weight])
    assert found["constant"] == [None]
    assert torch.equal(found["sum"][0], torch.ones(2))
    assert shares(found) == {"sum": 1.0, "constant": 0.0}
