"""Domains: what they accept, and the sentence for what they don't."""

import pytest
import torch
from losslab.losses.domains import LABELS, NON_NEGATIVE, REAL, SIGNS, UNIT, Domain
from torch import Tensor

BINARY = {"logits": torch.zeros(3, 1)}
CLASSES = {"logits": torch.zeros(3, 4)}


@pytest.mark.parametrize(
    ("domain", "value", "arguments"),
    [
        (REAL, torch.tensor([-1e30, 0, 1e30]), {}),
        (REAL, torch.tensor([1, 2, 3]), {}),
        (UNIT, torch.tensor([0.0, 0.5, 1]), {}),
        (UNIT, torch.tensor([True, False]), {}),
        (NON_NEGATIVE, torch.tensor([0.0, 7]), {}),
        (LABELS, torch.tensor([0, 3, 1]), CLASSES),
        (LABELS, torch.tensor([0, 3, 1], dtype=torch.uint8), CLASSES),
        (LABELS, torch.rand(3, 4), CLASSES),
        (LABELS, torch.tensor([[0.0], [0.5], [1]]), BINARY),
        (SIGNS, torch.tensor([[0], [1], [1]]), BINARY),
        (SIGNS, torch.tensor([[-1], [1], [1]]), {**BINARY, "labels": "pm1"}),
        (SIGNS, torch.tensor([0, 3, 1]), CLASSES),
        (UNIT, torch.tensor([]), {}),
    ],
)
def test_accepted(domain: Domain, value: Tensor, arguments: dict[str, object]) -> None:
    assert domain.violation(value, arguments) is None


@pytest.mark.parametrize(
    ("domain", "value", "arguments", "text"),
    [
        (REAL, torch.tensor([1, torch.nan]), {}, "1 of 2 values are not finite numbers: nan"),
        (REAL, torch.tensor([1, -torch.inf]), {}, "1 of 2 values are not finite numbers: -inf"),
        (UNIT, torch.tensor([3, 0, 255, 3]), {}, "3 of 4 values are not in [0, 1]: 3, 255"),
        (UNIT, torch.tensor([torch.nan]), {}, "1 of 1 values are not in [0, 1]: nan"),
        (NON_NEGATIVE, torch.tensor([-0.5]), {}, "not non-negative finite numbers: -0.5"),
        (NON_NEGATIVE, torch.tensor([torch.inf]), {}, "not non-negative finite numbers: inf"),
        (LABELS, torch.tensor([0, 4, -1]), CLASSES, "2 of 3 values are not class indices"),
        (LABELS, torch.tensor([0, 0.5, 1]), CLASSES, ": 0.5"),
        (LABELS, torch.full((3, 4), 1.5), CLASSES, ": 1.5"),
        (SIGNS, torch.tensor([[-1], [1], [1]]), BINARY, "are not 0 and 1 (with labels=pm1"),
        (SIGNS, torch.tensor([[0], [1], [1]]), {**BINARY, "labels": "pm1"}, ": 0"),
        (SIGNS, torch.tensor([0, 3, 4]), CLASSES, ": 4"),
    ],
)
def test_refused(domain: Domain, value: Tensor, arguments: dict[str, object], text: str) -> None:
    assert text in domain.violation(value, arguments)


def test_no_more_than_five_values_are_listed() -> None:
    text = UNIT.violation(torch.arange(2, 2000), {})
    assert text == "1,998 of 1,998 values are not in [0, 1]: 2, 3, 4, 5, 6"


def test_what_is_left_out_by_output_may_be_anything_at_every_level_of_it() -> None:
    target, weight = torch.tensor([[0.0, torch.nan]]), torch.tensor([[1.0, 0.0]])
    levels = torch.tensor([[[1.0, 2.0], [torch.nan, torch.nan]]])  # [batch, outputs, levels]
    arguments = {"target": target, "weight": weight}
    assert REAL.violation(levels, arguments) is None
    assert REAL.violation(levels.mT, arguments) == "1 of 4 values are not finite numbers: nan"
