"""Losses for wrong labels: closed forms, limits, and which class they come to under noise."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from loss_tools import gradient_of
from losslab.losses import (
    cross_entropy,
    generalized_cross_entropy,
    poly1,
    symmetric_cross_entropy,
)
from torch import Tensor

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.9], [-2.0, 0.1, 3.0]]).double()
TARGET = torch.tensor([0, 2, 1])
P_TRUE = LOGITS.softmax(1).gather(1, TARGET.unsqueeze(1)).squeeze(1)


# generalized_cross_entropy


@pytest.mark.parametrize("q", [0.1, 0.7, 1.0])
def test_generalized_cross_entropy_is_the_papers_formula(q: float) -> None:
    torch.testing.assert_close(generalized_cross_entropy(LOGITS, TARGET, q=q), (1 - P_TRUE**q) / q)


def test_generalized_cross_entropy_tends_to_cross_entropy() -> None:
    torch.testing.assert_close(
        generalized_cross_entropy(LOGITS, TARGET, q=1e-9), cross_entropy(LOGITS, TARGET)
    )


def test_generalized_cross_entropy_of_q_one_is_half_the_absolute_error() -> None:
    error = (LOGITS.softmax(1) - F.one_hot(TARGET, 3)).abs().sum(1)
    torch.testing.assert_close(generalized_cross_entropy(LOGITS, TARGET, q=1.0), error / 2)


def test_generalized_cross_entropy_scales_the_gradient_of_cross_entropy_by_a_power_of_p() -> None:
    torch.testing.assert_close(
        gradient_of(generalized_cross_entropy, LOGITS, TARGET),
        P_TRUE.unsqueeze(1) ** 0.7 * gradient_of(cross_entropy, LOGITS, TARGET),
    )


def test_generalized_cross_entropy_is_bounded_where_the_answer_is_confidently_another() -> None:
    far = 1e4 * (torch.eye(3).double() - F.one_hot(TARGET, 3))
    far[0, 0] = -1e4
    values = generalized_cross_entropy(far, torch.tensor([0, 2, 1]), q=0.5)
    assert values.tolist() == [2.0, 2.0, 2.0]
    assert (gradient_of(generalized_cross_entropy, far, TARGET) == 0).all()


@pytest.mark.parametrize("q", [0.0, -0.5, 1.5])
def test_generalized_cross_entropy_refuses_q_out_of_range(q: float) -> None:
    with pytest.raises(ValueError, match=rf"q must be in \(0, 1\]; got {q}"):
        generalized_cross_entropy(LOGITS, TARGET, q=q)


# symmetric_cross_entropy


def test_symmetric_cross_entropy_is_cross_entropy_and_its_reverse() -> None:
    log_label = F.one_hot(TARGET, 3).double().log().clamp(min=-4)
    reverse = -(LOGITS.softmax(1) * log_label).sum(1)
    torch.testing.assert_close(
        symmetric_cross_entropy(LOGITS, TARGET, alpha=0.1, beta=2.0),
        0.1 * cross_entropy(LOGITS, TARGET) + 2.0 * reverse,
    )


def test_symmetric_cross_entropy_without_its_reverse_is_cross_entropy() -> None:
    torch.testing.assert_close(
        symmetric_cross_entropy(LOGITS, TARGET, alpha=1.0, beta=0.0), cross_entropy(LOGITS, TARGET)
    )


def test_symmetric_cross_entropy_is_poly1_written_otherwise() -> None:
    torch.testing.assert_close(
        symmetric_cross_entropy(LOGITS, TARGET, alpha=1.0, beta=0.5, log_zero=-6.0),
        poly1(LOGITS, TARGET, epsilon=3.0),
    )


def test_symmetric_cross_entropy_without_cross_entropy_is_the_bounded_part() -> None:
    torch.testing.assert_close(
        symmetric_cross_entropy(LOGITS, TARGET, alpha=0.0),
        4 * generalized_cross_entropy(LOGITS, TARGET, q=1.0),
    )


def test_symmetric_cross_entropy_scales_the_gradient_of_cross_entropy() -> None:
    torch.testing.assert_close(
        gradient_of(symmetric_cross_entropy, LOGITS, TARGET),
        (0.1 + 4 * P_TRUE.unsqueeze(1)) * gradient_of(cross_entropy, LOGITS, TARGET),
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alpha": -1}, "alpha must be at least 0; got -1"),
        ({"beta": -1}, "beta must be at least 0; got -1"),
        ({"log_zero": 0.0}, r"log_zero must be negative; got 0\.0"),
    ],
    ids=["alpha", "beta", "log_zero"],
)
def test_symmetric_cross_entropy_refuses_options_out_of_range(
    options: dict[str, float], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        symmetric_cross_entropy(LOGITS, TARGET, **options)


# both


@pytest.mark.parametrize(
    "loss", [generalized_cross_entropy, symmetric_cross_entropy], ids=lambda f: f.__name__
)
def test_under_noise_the_estimate_is_the_most_probable_class_more_extremely(
    loss: Callable[..., Tensor],
) -> None:
    p = torch.linspace(0.001, 0.999, 999).double()
    logits = torch.stack([p.log(), (1 - p).log()], 1)
    first, second = torch.zeros(999).long(), torch.ones(999).long()
    risk = 0.7 * loss(logits, first) + 0.3 * loss(logits, second)
    assert p[risk.argmin()] > 0.8
