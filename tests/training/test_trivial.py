"""The predictor that ignores its input, against scikit-learn 1.9.1's dummy estimators."""

import pytest
import torch
from losslab.data import Spec, TensorSource, breast_cancer, diabetes, digits, small_targets
from losslab.training.metrics import metrics_for
from losslab.training.trivial import trivial_metrics
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, f1_score, r2_score


def trivial(source, outputs, channels):
    return trivial_metrics(source, metrics_for(source.spec, outputs, None), channels)


def dummy(source, kind):
    train, test = source.splits["train"], source.splits["test"]
    fitted = kind.fit(train["input"].flatten(1), train["target"].flatten())
    return test["target"].flatten(), fitted.predict(test["input"].flatten(1))


def test_yes_or_no_is_the_majority():
    source = breast_cancer()
    actual, answer = dummy(source, DummyClassifier(strategy="most_frequent"))
    got = trivial(source, {"logits": torch.zeros(1, 1)}, 1)
    assert got["f1"] == pytest.approx(f1_score(actual, answer))
    assert got["accuracy"] == pytest.approx(accuracy_score(actual, answer))
    assert got["auroc"] == 0.5
    two = trivial(source, {"logits": torch.zeros(1, 2)}, 2)
    assert two["accuracy"] == pytest.approx(got["accuracy"])


def test_classes_are_the_commonest():
    source = digits()
    actual, answer = dummy(source, DummyClassifier(strategy="most_frequent"))
    got = trivial(source, {"logits": torch.zeros(1, 10)}, 10)
    assert got["accuracy"] == pytest.approx(accuracy_score(actual, answer))


def test_numbers_are_the_mean():
    source = diabetes()
    actual, answer = dummy(source, DummyRegressor())
    got = trivial(source, {"prediction": torch.zeros(1, 1)}, 1)
    assert got["r2"] == pytest.approx(r2_score(actual, answer), abs=1e-6)


def test_masks_of_rare_pixels_are_empty():
    source = small_targets(samples=20, size=32)
    got = trivial(source, {"logits": torch.zeros(1, 1, 1, 1)}, 1)
    assert got["dice"] == 0.0
    assert got["accuracy"] > 0.98


def test_inputs_are_given_back_as_their_mean():
    assert trivial(digits(), {"reconstruction": torch.zeros(1, 1, 8, 8)}, 0)["r2"] == pytest.approx(
        0, abs=0.01
    )


def test_without_metrics_there_is_nothing():
    split = {"input": torch.zeros(4, 2), "target": torch.zeros(4, 1)}
    source = TensorSource(Spec((2,), "real", 1), {"train": split, "val": split, "test": split})
    assert trivial(source, {"mixture": torch.zeros(1, 1)}, 0) == {}


@pytest.mark.parametrize(
    ("build", "options", "channels"),
    [(breast_cancer, {"labels": "pm1"}, 1), (digits, {"one_hot": True}, 10)],
    ids=["pm1", "one-hot"],
)
def test_how_the_target_is_written_changes_nothing(build, options, channels):
    outputs = {"logits": torch.zeros(1, channels)}
    assert trivial(build(**options), outputs, channels) == trivial(build(), outputs, channels)
