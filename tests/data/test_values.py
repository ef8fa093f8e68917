"""Data that is typed in."""

import pytest
import torch
from losslab.data import values


@pytest.mark.parametrize(
    ("options", "outputs", "input", "target"),
    [
        ({"input": [[2, 3]], "target": [1]}, 1, [[2.0, 3.0]], [[1.0]]),
        ({"input": [2, 3], "target": [[1, 4], [0, 2]]}, 2, [[2.0], [3.0]], [[1, 4], [0, 2]]),
        ({"input": [1, 2], "target": [1, 0], "kind": "binary"}, 1, [[1.0], [2.0]], [[1.0], [0.0]]),
        ({"input": [1, 2], "target": [0, 2], "kind": "classes"}, 3, [[1.0], [2.0]], [0, 2]),
    ],
    ids=["real", "several outputs", "binary", "classes"],
)  # fmt: skip
def test_rows_are_given_as_they_were_typed(options, outputs, input, target):
    source = values(**options)
    (batch,) = source.batches("train", 8)
    assert (source.spec.outputs, source.spec.target) == (outputs, options.get("kind", "real"))
    assert source.spec.input_shape == tuple(batch["input"].shape[1:])
    assert (batch["input"].tolist(), batch["target"].tolist()) == (input, target)
    assert batch["input"].dtype == torch.float32
    assert [source.size(part) for part in ("train", "val", "test")] == [len(input), 0, 0]


def test_a_split_can_be_asked_for():
    source = values(input=list(range(10)), target=list(range(10)), val=0.2, test=0.1)
    assert [source.size(part) for part in ("train", "val", "test")] == [7, 2, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": [[1, 2], [3]], "target": [1, 2]}, "input must be rows of numbers, all as long"),
        ({"input": ["a"], "target": [1]}, "input must be rows of numbers"),
        ({"input": [1, 2], "target": [1]}, "input has 2 rows and target has 1"),
        ({"input": [], "target": []}, "input has 0 rows and target has 0"),
        ({"input": [1], "target": [2], "kind": "binary"}, r"targets 0 and 1; got \[2.0\]"),
        ({"input": [1], "target": [[0, 3]], "kind": "multilabel"}, "has targets 0 and 1"),
        ({"input": [1], "target": [0.5], "kind": "classes"}, r"targets 0, 1, 2, …; got \[0.5\]"),
        ({"input": [1], "target": [[0, 1]], "kind": "classes"}, "one target a row; got 2"),
    ],
    ids=["ragged", "text", "no target", "empty", "binary", "labels", "half a class", "one-hot"],
)  # fmt: skip
def test_what_is_no_such_table(options, message):
    with pytest.raises(ValueError, match=message):
        values(**options)
