"""Checks of shapes and options that losses share; their texts are tested beside each loss."""

import pytest
import torch
from losslab.losses.checks import class_mask, is_zero, paired, per_class


@pytest.mark.parametrize(
    ("answer", "target", "common"),
    [
        (torch.float16, torch.float16, torch.float32),
        (torch.bfloat16, torch.float16, torch.float32),
        (torch.float32, torch.int64, torch.float32),
        (torch.float32, torch.bool, torch.float32),
        (torch.float32, torch.float64, torch.float64),
        (torch.float64, torch.float32, torch.float64),
    ],
    ids=str,
)
def test_a_pair_has_one_dtype_of_at_least_single_precision(
    answer: torch.dtype, target: torch.dtype, common: torch.dtype
) -> None:
    pair = paired(torch.ones(2, 1, dtype=answer), torch.ones(2, 1, dtype=target))
    assert [x.dtype for x in pair] == [common, common]


def test_a_pair_that_needs_no_cast_is_not_copied() -> None:
    answer, target = torch.ones(2, 1), torch.ones(2, 1)
    assert paired(answer, target) == (answer, target)


def test_class_mask_is_where_each_class_is() -> None:
    mask = class_mask(torch.tensor([[0, 2], [1, 0]]), 3)
    assert mask.int().tolist() == [[[1, 0], [0, 0], [0, 1]], [[0, 1], [1, 0], [0, 0]]]


def test_per_class_takes_the_dtype_of_its_like() -> None:
    vector = per_class("alpha", [1, 2], 2, torch.zeros(1).double())
    assert vector.dtype == torch.float64
    with pytest.raises(ValueError, match=r"alpha needs 3 numbers, one per class; got \[1, 2\]"):
        per_class("alpha", [1, 2], 3, torch.zeros(1))


def test_a_tensor_is_never_taken_for_zero() -> None:
    assert is_zero(0)
    assert is_zero(0.0)
    assert not is_zero(1e-30)
    assert not is_zero(torch.zeros(()))
