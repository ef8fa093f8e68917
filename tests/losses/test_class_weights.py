"""From one weight per class to one per value, for each form of target."""

import pytest
import torch
from losslab.losses.class_weights import by_class

WEIGHTS = torch.tensor([1.0, 2.0, 5.0])


def test_class_indices() -> None:
    target = torch.tensor([[0, 2], [1, 1]], dtype=torch.uint8)
    weight = by_class(WEIGHTS, target, [torch.zeros(2, 3, 2), target], target.shape)
    assert weight.tolist() == [[1, 5], [2, 2]]


@pytest.mark.parametrize(
    ("target", "expected"),
    [([[0], [1]], [[1], [2]]), ([[-1], [1]], [[1], [2]]), ([[0.25], [1.0]], [[1.25], [2]])],
    ids=["01", "pm1", "soft"],
)
def test_one_channel(target: object, expected: object) -> None:
    target = torch.tensor(target)
    weight = by_class(WEIGHTS[:2], target, [torch.zeros(2, 1), target], target.shape)
    assert weight.tolist() == expected


def test_one_channel_per_label() -> None:
    target = torch.tensor([[[0.0, 1.0]] * 3] * 2)
    weight = by_class(WEIGHTS, target, [target, target], target.shape)
    assert weight.tolist() == [[[1, 1], [2, 2], [5, 5]]] * 2


def test_probabilities_of_classes_have_the_expected_weight() -> None:
    target = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    weight = by_class(WEIGHTS, target, [torch.zeros(2, 3), target], torch.Size([2]))
    assert weight.tolist() == [2, 3]


def test_a_further_axis_of_a_float_target_is_no_class_index() -> None:
    target = torch.tensor([[0.0], [1.0]])
    signal = torch.zeros(2, 8, 1)
    weight = by_class(WEIGHTS[:2], target, [torch.zeros(2, 1), target, signal], target.shape)
    assert weight.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("target", "logits", "classes"),
    [
        (torch.zeros(2).long(), torch.zeros(2, 4), 4),
        (torch.zeros(2, 1), torch.zeros(2, 1), 2),
        (torch.zeros(2, 4), torch.zeros(2, 4), 4),
    ],
    ids=["indices", "binary", "labels"],
)
def test_another_number_of_classes_is_an_error(
    target: torch.Tensor, logits: torch.Tensor, classes: int
) -> None:
    with pytest.raises(ValueError, match=f"class_weight needs {classes} numbers.* got 3"):
        by_class(WEIGHTS, target, [logits, target], target.shape)
