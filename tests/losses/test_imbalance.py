"""Losses that know the class counts: closed forms and limits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from losslab.losses import cross_entropy, ldam, logit_adjusted
from torch import Tensor

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.9], [-2.0, 0.1, 3.0]]).double()
TARGET = torch.tensor([0, 2, 1])
COUNTS = [900, 90, 10]


# logit_adjusted


@pytest.mark.parametrize("tau", [0.5, 1.0])
def test_logit_adjusted_is_cross_entropy_of_logits_plus_log_shares(tau: float) -> None:
    shares = torch.tensor([0.9, 0.09, 0.01]).double()
    torch.testing.assert_close(
        logit_adjusted(LOGITS, TARGET, counts=COUNTS, tau=tau),
        cross_entropy(LOGITS + tau * shares.log(), TARGET),
    )


def test_logit_adjusted_takes_shares_for_counts() -> None:
    torch.testing.assert_close(
        logit_adjusted(LOGITS, TARGET, counts=[0.9, 0.09, 0.01]),
        logit_adjusted(LOGITS, TARGET, counts=COUNTS),
    )


@pytest.mark.parametrize(
    "options", [{"counts": COUNTS, "tau": 0.0}, {"counts": [5, 5, 5]}], ids=["tau", "equal"]
)
def test_logit_adjusted_without_imbalance_is_cross_entropy(options: dict[str, Any]) -> None:
    torch.testing.assert_close(
        logit_adjusted(LOGITS, TARGET, **options), cross_entropy(LOGITS, TARGET)
    )


def test_logit_adjusted_estimates_probabilities_as_if_classes_were_equally_frequent() -> None:
    probability = torch.tensor([0.6, 0.3, 0.1]).double()
    logits = (probability / torch.tensor(COUNTS)).log().requires_grad_()
    values = logit_adjusted(logits.expand(3, 3), torch.arange(3), counts=COUNTS)
    (gradient,) = torch.autograd.grad((probability * values).sum(), logits)
    assert gradient.abs().max() < 1e-15
    assert logits.argmax() == 2


# ldam


def test_ldam_is_the_papers_formula() -> None:
    margin = 0.5 * (10 / torch.tensor(COUNTS).double()) ** 0.25
    shifted = LOGITS.clone()
    shifted[torch.arange(3), TARGET] -= margin[TARGET]
    torch.testing.assert_close(
        ldam(LOGITS, TARGET, counts=COUNTS), cross_entropy(30 * shifted, TARGET)
    )


def test_ldam_without_margin_and_scale_is_cross_entropy() -> None:
    values = ldam(LOGITS, TARGET, counts=COUNTS, max_margin=0.0, scale=1.0)
    torch.testing.assert_close(values, cross_entropy(LOGITS, TARGET))


def test_ldam_depends_on_the_ratios_of_counts_alone() -> None:
    torch.testing.assert_close(
        ldam(LOGITS, TARGET, counts=[90, 9, 1]), ldam(LOGITS, TARGET, counts=COUNTS)
    )


def test_ldam_asks_a_wider_margin_of_the_rarer_class() -> None:
    values = ldam(torch.zeros(3, 3), torch.arange(3), counts=COUNTS)
    assert (values.diff() > 0).all()


# both


@pytest.mark.parametrize("loss", [logit_adjusted, ldam])
@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (None, "counts must be given: how many training examples each of the 3 classes has"),
        ([5, 0, 1], r"counts must be positive, one per class; got \[5, 0, 1\]"),
        ([5, 1], r"counts needs 3 numbers, one per class; got \[5, 1\]"),
    ],
    ids=["missing", "zero", "length"],
)
def test_counts_are_checked(loss: Callable[..., Tensor], counts: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        loss(LOGITS, TARGET, counts=counts)


@pytest.mark.parametrize(
    ("loss", "options", "text"),
    [
        (logit_adjusted, {"tau": -1}, "tau must be at least 0; got -1"),
        (ldam, {"max_margin": -1}, "max_margin must be at least 0; got -1"),
        (ldam, {"scale": 0}, "scale must be positive; got 0"),
    ],
    ids=["tau", "max_margin", "scale"],
)
def test_options_out_of_range_are_errors(
    loss: Callable[..., Tensor], options: dict[str, float], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        loss(LOGITS, TARGET, counts=COUNTS, **options)


@pytest.mark.parametrize("loss", [logit_adjusted, ldam])
def test_one_channel_is_an_error(loss: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match="at least 2; the logits have shape"):
        loss(torch.zeros(3, 1), torch.zeros(3).long(), counts=[1])
