"""Targets from columns: the inferred kind, the tensor, what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from losslab.data.targets import Target, read_target


def column(*values, name: str = "y", dtype=None) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype=dtype)})


MANY = [i / 7 for i in range(30)]


@pytest.mark.parametrize(
    ("frame", "kind", "labels"),
    [
        (column(0, 1, 1), "binary", ("0", "1")),
        (column(0.0, 1.0, 1.0), "binary", ("0", "1")),
        (column(2.5, 1.5, 1.5), "binary", ("1.5", "2.5")),
        (column("yes", "no", "no"), "binary", ("no", "yes")),
        (column(True, False, True), "binary", ("False", "True")),
        (column("b", "c", "a", *"abcabc"), "classes", ("a", "b", "c")),
        (column(*[0, 5, 9] * 5), "classes", ("0", "5", "9")),
        (column(*[0.0, 5.0, 9.0] * 5), "classes", ("0", "5", "9")),
        (column(*[10, 9, 8] * 5), "classes", ("8", "9", "10")),
        (column(*"aabbcc", dtype="category"), "classes", ("a", "b", "c")),
        (column(*[0, 5, 9] * 4), "real", ("y",)),  # each of the three but 4 times
        (column(*list(range(21)) * 9), "real", ("y",)),
        (column(*MANY), "real", ("y",)),
        (column(*[0.5, 1.5, 2.5] * 9), "real", ("y",)),
        (pd.DataFrame({"a": [0, 1, 1], "b": [1.0, 0.0, 0.0]}), "multilabel", ("a", "b")),
        (pd.DataFrame({"a": [True, False], "b": [False, True]}), "multilabel", ("a", "b")),
        (pd.DataFrame({"a": [0, 1, 2], "b": [1, 0, 0]}), "real", ("a", "b")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_kind_is_inferred(frame, kind, labels):
    target = read_target(frame)
    assert (target.kind, target.labels) == (kind, labels)


def test_binary_is_a_column_of_zeros_and_ones():
    target = read_target(column("yes", "no", "yes"))
    assert target.tensor.tolist() == [[1], [0], [1]]
    assert target.tensor.dtype == torch.float32
    assert target.strata.tolist() == [1, 0, 1]
    assert target.spec((4,)).outputs == 1


def test_classes_are_indices():
    target = read_target(column("c", "a", "b", "a", "c", "b"))
    assert target.tensor.tolist() == [2, 0, 1, 0, 2, 1]
    assert target.tensor.dtype == torch.int64
    assert target.spec((4,)).classes == 3


def test_real_values_keep_their_numbers():
    target = read_target(pd.DataFrame({"a": [0.5, 1.5], "b": [3, 4]}))
    assert target.tensor.tolist() == [[0.5, 3], [1.5, 4]]
    assert target.tensor.dtype == torch.float32
    assert target.strata is None


def test_multilabel_has_a_channel_per_label():
    target = read_target(pd.DataFrame({"a": [0, 1], "b": [1, 0], "c": [1, 0]}))
    assert target.tensor.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert (target.spec((4,)).outputs, target.strata) == (3, None)


def test_a_kind_that_is_said_is_taken():
    assert read_target(column(0, 1, 1), "real").tensor.tolist() == [[0], [1], [1]]
    assert read_target(column(0, 1, 1), "classes").labels == ("0", "1")
    assert read_target(column(*range(40)), "classes").spec((1,)).classes == 40
    flags = pd.DataFrame({"a": [0, 1], "b": [1, 0]})
    assert read_target(flags, "real").kind == "real"


def test_numbers_that_are_text_can_be_real():
    assert read_target(column("1.5", "2", "3"), "real").tensor.flatten().tolist() == [1.5, 2, 3]


def test_standardised_by_the_train_samples():
    target = Target(torch.tensor([[1.0], [3.0], [9.0]]).double(), "real", ("y",))
    scaled = target.standardised(torch.tensor([0, 1]))
    assert scaled.tensor.tolist() == [[-1], [1], [7]]
    assert (scaled.spec((1,)).offset, scaled.spec((1,)).scale) == ((2.0,), (1.0,))


def test_only_real_values_are_standardised():
    target = read_target(column("yes", "no", "yes"))
    assert target.standardised(torch.tensor([0, 1])) is target


@pytest.mark.parametrize(
    ("frame", "kind", "text"),
    [
        (
            column(1, 2),
            "reel",
            r"kind=reel is no kind of target: choose binary, .* Did you mean real\?",
        ),
        (column(1, None, 2.5), None, "missing target values: y 1. Complete or remove"),
        (column(1, np.inf, -np.inf), None, "infinite or beyond single precision: y 2"),
        (column(1, 1e39, 2), None, "infinite or beyond single precision: y 1"),
        (column("a", "a"), None, "target y has one value only, a: there is nothing to learn"),
        (column(3, 3.0), "real", "target y has one value only, 3"),
        (column(1, 2), "multilabel", "kind=multilabel needs several target columns; got y alone"),
        (
            column(1, 2, 3),
            "binary",
            "kind=binary needs two distinct values; target y has 3: 1, 2, 3",
        ),
        (
            pd.DataFrame({"a": [0, 1], "b": [0, 2]}),
            "classes",
            "kind=classes needs one target column; got 2: a, b",
        ),
        (
            pd.DataFrame({"a": [0, 1], "b": [0, 2]}),
            "multilabel",
            "kind=multilabel needs 0 and 1 alone in every target column: a, b",
        ),
        (
            column("12 €", "n/v", "n/v", *map(str, range(30))),
            None,
            "target y holds text where numbers should be, in 3 of 33 rows: '12 €', 'n/v'. Correct",
        ),
        (column("a", "2", "3"), "real", "text where numbers should be, in 1 of 3 rows: 'a'"),
        (
            pd.DataFrame({"a": [1.5, 2], "b": ["x", "y"]}),
            None,
            "target b holds text where numbers should be, in 2 of 2 rows",
        ),
        (
            column(*"abcdefgh"),
            None,
            "target y is text with 8 distinct values in 8 rows: a, b, c and 5",
        ),
    ],
    ids=[
        "unknown kind",
        "missing",
        "infinite",
        "beyond single precision",
        "one class",
        "constant",
        "one label",
        "three values",
        "classes in two columns",
        "labels of 2",
        "text among numbers",
        "text said to be real",
        "text in one of several",
        "ids",
    ],
)
def test_what_is_refused(frame, kind, text):
    with pytest.raises(ValueError, match=text):
        read_target(frame, kind)
