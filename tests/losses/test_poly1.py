"""Poly-1 loss: closed forms and limits."""

import pytest
import torch
from loss_tools import gradient_of
from losslab.losses import bce, cross_entropy, poly1

LOGITS = torch.tensor([[-1.5], [0.0], [0.7], [3.0]]).double()
CLASS_LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.9], [-2.0, 0.1, 3.0]]).double()
SOFT = torch.tensor([[0.0], [1.0], [0.4], [0.0]]).double()


def test_poly1_adds_the_probability_of_being_wrong() -> None:
    target = torch.tensor([0, 2, 1])
    wrong = 1 - CLASS_LOGITS.softmax(1)[torch.arange(3), target]
    torch.testing.assert_close(
        poly1(CLASS_LOGITS, target, epsilon=2.0), cross_entropy(CLASS_LOGITS, target) + 2 * wrong
    )
    p = LOGITS.sigmoid()
    torch.testing.assert_close(
        poly1(LOGITS, SOFT, epsilon=2.0), bce(LOGITS, SOFT) + 2 * (SOFT * (1 - p) + (1 - SOFT) * p)
    )


def test_poly1_with_epsilon_zero_is_cross_entropy() -> None:
    target = torch.tensor([0, 2, 1])
    torch.testing.assert_close(
        poly1(CLASS_LOGITS, target, epsilon=0.0), cross_entropy(CLASS_LOGITS, target)
    )
    torch.testing.assert_close(poly1(LOGITS, SOFT, epsilon=0.0), bce(LOGITS, SOFT))


def test_poly1_of_one_channel_is_that_of_two_classes() -> None:
    target = torch.tensor([[0], [1], [1], [0]])
    two = torch.cat([torch.zeros_like(LOGITS), LOGITS], 1)
    torch.testing.assert_close(poly1(LOGITS, target).squeeze(1), poly1(two, target.squeeze(1)))


def test_poly1_scales_the_gradient_of_cross_entropy_by_one_plus_epsilon_p() -> None:
    target = torch.tensor([0, 2, 1])
    p = CLASS_LOGITS.softmax(1).gather(1, target.unsqueeze(1))
    torch.testing.assert_close(
        gradient_of(lambda z: poly1(z, target, epsilon=3.0), CLASS_LOGITS),
        (1 + 3 * p) * gradient_of(cross_entropy, CLASS_LOGITS, target),
    )


@pytest.mark.parametrize(("epsilon", "more_extreme"), [(1.0, True), (-1.0, False)])
def test_poly1_shifts_the_estimate_as_its_docstring_says(
    epsilon: float, more_extreme: bool
) -> None:
    p = torch.linspace(0.01, 0.99, 99).double()
    values = poly1(torch.logit(p).unsqueeze(1), torch.full((99, 1), 0.8), epsilon=epsilon)
    best = p[values.argmin()].item()
    assert best > 0.82 if more_extreme else 0.5 < best < 0.78


def test_poly1_refuses_an_epsilon_below_minus_one() -> None:
    with pytest.raises(ValueError, match=r"epsilon must be at least -1; got -1\.5"):
        poly1(LOGITS, SOFT, epsilon=-1.5)
