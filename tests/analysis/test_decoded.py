"""A model's answers as people read them."""

import math

import pytest
import torch
from losslab.analysis.decoded import decoded, label_names
from losslab.data.spec import Spec
from losslab.errors import UserError


def spec_of(target, outputs, labels=(), **more):
    return Spec((2,), target, outputs, labels=labels, **more)


def as_lists(found):
    return {name: column.tolist() for name, column in found.items()}


def test_yes_and_no_have_their_label_and_the_probability_of_yes():
    logits = torch.tensor([[-math.log(3)], [0.0], [math.log(3)]])
    found = as_lists(decoded({"logits": logits}, spec_of("binary", 1, ("no", "yes"))))
    assert found["prediction"] == ["no", "no", "yes"]
    assert found["probability_yes"] == pytest.approx([0.25, 0.5, 0.75])


def test_a_cut_moves_the_answer_and_not_the_probability():
    answers = {"logits": torch.tensor([[-math.log(3)], [math.log(3)]])}
    low = as_lists(decoded(answers, spec_of("binary", 1, ("no", "yes")), cut=-2.0))
    assert low["prediction"] == ["yes", "yes"]
    assert low["probability_yes"] == pytest.approx([0.25, 0.75])


def test_a_yes_asked_as_two_classes_is_the_difference_of_their_scores():
    found = as_lists(
        decoded({"logits": torch.tensor([[1.0, 1 + math.log(3)]])}, spec_of("binary", 1))
    )
    assert found == {"prediction": [1], "probability_1": pytest.approx([0.75])}


def test_classes_have_a_probability_each():
    logits = torch.tensor([[0.0, math.log(2), 0.0], [math.log(8), 0.0, 0.0]])
    found = as_lists(decoded({"logits": logits}, spec_of("classes", 3, ("a", "b", "c"))))
    assert found["prediction"] == ["b", "a"]
    assert found["probability_a"] == pytest.approx([0.25, 0.8])
    assert found["probability_b"] == pytest.approx([0.5, 0.1])


def test_labels_that_are_whole_numbers_are_numbers_again():
    logits = torch.eye(2)
    found = decoded({"logits": logits}, spec_of("classes", 2, ("-1", "3")))
    assert found["prediction"].tolist() == [-1, 3]


def test_labels_have_a_column_each():
    logits = torch.tensor([[1.0, -1.0]])
    found = as_lists(decoded({"logits": logits}, spec_of("multilabel", 2, ("red", "big"))))
    assert found["prediction_red"] == [1]
    assert found["prediction_big"] == [0]
    assert found["probability_red"] == pytest.approx([1 / (1 + math.exp(-1))])


def test_values_are_in_the_units_of_the_data():
    spec = spec_of("real", 1, ("price",), offset=(500.0,), scale=(100.0,))
    assert as_lists(decoded({"prediction": torch.tensor([[0.5]])}, spec)) == {"prediction": [550]}


def test_several_values_have_their_names():
    found = decoded({"prediction": torch.tensor([[1.0, 2.0]])}, spec_of("real", 2, ("u", "v")))
    assert as_lists(found) == {"prediction_u": [1.0], "prediction_v": [2.0]}


def test_a_mixture_is_told_by_its_mean_and_deviation():
    """Means 1 and 3 with shares 1 and 3 of 4: mean 2.5, variance 0.75 between and 0.25 within."""
    answers = {
        "mixture_logits": torch.tensor([[0.0, math.log(3)]]),
        "mu": torch.tensor([[[1.0], [3.0]]]),
        "log_sigma": torch.full((1, 2, 1), math.log(0.5)),
    }
    found = decoded(answers, spec_of("real", 1, ("y",), offset=(10.0,), scale=(2.0,)))
    assert found["prediction"].tolist() == pytest.approx([15.0])
    assert found["deviation"].tolist() == pytest.approx([2.0])


def test_channels_beyond_the_labels_have_numbers():
    assert label_names(spec_of("classes", 2, ("a", "b")), 3) == ["a", "b", "2"]


@pytest.mark.parametrize(
    ("answers", "target", "message"),
    [
        (
            {"reconstruction": torch.zeros(1, 2)},
            "classes",
            "gives reconstruction, and no logits: it answers no question about a class",
        ),
        ({"mu": torch.zeros(1, 2)}, "real", "gives mu, and no prediction: .* about a number"),
        ({"prediction": torch.zeros(1, 1, 3)}, "real", r"of shape \[1, 3\] for each sample"),
    ],
    ids=["vae", "no answer", "quantiles"],
)
def test_what_is_no_answer_is_refused(answers, target, message):
    with pytest.raises(UserError, match=message):
        decoded(answers, spec_of(target, 1))
