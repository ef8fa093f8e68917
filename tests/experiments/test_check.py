"""Losses that people wrote and that do not learn: `losslab check` finds each and says why."""

import inspect
import json

import pytest
import torch
from losslab.experiments import does_not_learn

# The kind of finding, the operation to blame, and a word of the remedy.
FOUND = {
    "added_value": ("gradient differs", "detach", "leave .detach() out"),
    "precision": ("gradient cut", "argmax", "softmax in its place"),
    "argmax": ("gradient cut", "argmax", "softmax in its place"),
    "rounding": ("gradient zero", "round", "round when you evaluate"),
    "detached": ("gradient cut", "detach", "leave .detach() out"),
    "fresh_tensor": ("gradient cut", "item", "keep the tensor"),
}


def test_every_loss_of_the_file_has_its_case():
    own = inspect.getmembers(does_not_learn, inspect.isfunction)
    assert {name for name, value in own if value.__module__ == does_not_learn.__name__} == set(
        FOUND
    )


@pytest.mark.parametrize("name", FOUND)
def test_it_is_found_with_its_place_and_a_remedy(cli, name):
    kind, operation, remedy = FOUND[name]
    words = ["check", f"losslab.experiments.does_not_learn.{name}"]
    outcome = cli(*words, "--json")
    (report,) = json.loads(outcome.out)
    (finding,) = [found for found in report["findings"] if found["kind"] == kind]
    assert f"{operation} (does_not_learn.py:" in finding["evidence"]
    assert remedy in finding["remedy"]
    assert finding["why"]
    # A part that is cut off is a warning: the rest still trains.
    assert outcome.code == (0 if name == "added_value" else 1)
    assert report["broken"] is (name != "added_value")
    text = " ".join(cli(*words).out.split())
    assert f"{kind}: " in text
    assert remedy in text


def test_what_the_fresh_tensor_hides():
    prediction = torch.randn(4, 2, requires_grad=True)
    does_not_learn.fresh_tensor(prediction, torch.zeros(4, 2)).backward()  # no error, and
    assert prediction.grad is None  # nothing has arrived


def test_the_added_value_moves_the_number_and_not_the_gradient():
    logits, target = torch.randn(8, 1, requires_grad=True), torch.ones(8, 1)
    added = does_not_learn.added_value(logits, target).mean()
    bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
    assert added.item() > bce.item()
    (one,) = torch.autograd.grad(added, logits)
    (other,) = torch.autograd.grad(bce, logits)
    torch.testing.assert_close(one, other)
