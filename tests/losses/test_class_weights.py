"""From counts to weights, and from one weight per class to one per value."""

import pytest
import torch
from losslab.losses.class_weights import by_class, effective_number, in_order
from losslab.training.assemble import build_objective

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


# effective_number


def test_effective_number_is_the_papers_formula() -> None:
    counts, beta = [900, 90, 10], 0.99
    inverse = [(1 - beta) / (1 - beta**n) for n in counts]
    expected = [3 * weight / sum(inverse) for weight in inverse]
    assert effective_number(counts, beta) == pytest.approx(expected, rel=1e-12)


def test_effective_number_with_beta_zero_makes_all_classes_equal() -> None:
    assert effective_number([900, 90, 10], beta=0.0) == [1, 1, 1]


def test_effective_number_tends_to_one_over_the_count() -> None:
    weights = effective_number([900, 90, 10], beta=1 - 1e-12)
    assert [w * n for w, n in zip(weights, [900, 90, 10], strict=True)] == pytest.approx(
        [weights[0] * 900] * 3, rel=1e-6
    )


@pytest.mark.parametrize(
    ("counts", "beta", "text"),
    [
        ([5, 0], 0.9, "counts must be positive, one per class; got 0"),
        ([5, 1], 1.0, r"beta must be in \[0, 1\); got 1\.0"),
    ],
    ids=["zero", "beta"],
)
def test_effective_number_refuses_what_has_no_weight(
    counts: list[int], beta: float, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        effective_number(counts, beta)


def test_effective_number_stands_in_a_configuration_for_the_class_weights() -> None:
    weights = {"_target_": "losslab.losses.effective_number", "counts": [90, 10], "beta": 0.0}
    node = {"_target_": "losslab.losses.bce", "class_weight": weights}
    (term,) = build_objective({"loss": {"bce": node}}).terms
    assert term.class_weight.tolist() == [1, 1]


def test_a_mapping_is_put_in_order() -> None:
    assert in_order({1: 9.0, 0: 1.0}) == in_order([1.0, 9.0]) == [1.0, 9.0]
    assert in_order({"1": 9.0, "0": 1.0}) == [1.0, 9.0]  # type: ignore[dict-item]  # as in JSON


def test_a_mapping_names_every_class() -> None:
    with pytest.raises(ValueError, match=r"class_weight gives each class its weight, .*; got {1:"):
        in_order({1: 9.0})
