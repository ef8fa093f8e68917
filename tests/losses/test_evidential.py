"""Evidential regression: its closed form and torch 2.13.0's Student's t."""

import math

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import evidential, l1, student_t_nll
from losslab.losses.evidential import _log_softplus
from torch.distributions import StudentT

GENERATOR = torch.Generator().manual_seed(0)
GAMMA, NU_LOGITS, ALPHA_LOGITS, BETA_LOGITS, TARGET = torch.randn(
    5, 6, 2, generator=GENERATOR, dtype=torch.double
)
ANSWERS = GAMMA, NU_LOGITS, ALPHA_LOGITS, BETA_LOGITS
NU, ALPHA, BETA = F.softplus(NU_LOGITS), 1 + F.softplus(ALPHA_LOGITS), F.softplus(BETA_LOGITS)


def test_it_is_the_papers_closed_form() -> None:
    omega = 2 * BETA * (1 + NU)
    likelihood = (
        0.5 * torch.log(math.pi / NU)
        - ALPHA * omega.log()
        + (ALPHA + 0.5) * torch.log((TARGET - GAMMA).square() * NU + omega)
        + torch.lgamma(ALPHA)
        - torch.lgamma(ALPHA + 0.5)
    )
    evidence = (TARGET - GAMMA).abs() * (2 * NU + ALPHA)
    values = evidential(*ANSWERS, TARGET, coefficient=0.3)
    torch.testing.assert_close(values, likelihood + 0.3 * evidence)


def test_without_the_last_part_it_is_students_likelihood() -> None:
    scale = (BETA * (1 + NU) / (NU * ALPHA)).sqrt()
    expected = -StudentT(2 * ALPHA, GAMMA, scale).log_prob(TARGET)
    torch.testing.assert_close(evidential(*ANSWERS, TARGET, coefficient=0.0), expected)


def test_of_one_alpha_it_is_student_t_nll() -> None:
    alpha_logits = torch.full_like(GAMMA, math.log(math.expm1(1)))  # softplus 1, so alpha is 2
    values = evidential(GAMMA, NU_LOGITS, alpha_logits, BETA_LOGITS, TARGET, coefficient=0.0)
    log_scale = 0.5 * (BETA * (1 + NU) / (2 * NU)).log()
    torch.testing.assert_close(values, student_t_nll(GAMMA, log_scale, TARGET, df=4.0))


def test_the_last_part_is_absolute_error_times_the_evidence() -> None:
    last = evidential(*ANSWERS, TARGET, coefficient=1.0) - evidential(
        *ANSWERS, TARGET, coefficient=0.0
    )
    torch.testing.assert_close(last, l1(GAMMA, TARGET) * (2 * NU + ALPHA))


def test_the_likelihood_sees_nu_and_beta_through_one_number() -> None:
    doubled = NU + 1.0
    beta = BETA * (1 + NU) / NU * doubled / (1 + doubled)
    other = GAMMA, doubled.expm1().log(), ALPHA_LOGITS, beta.expm1().log()
    torch.testing.assert_close(
        evidential(*other, TARGET, coefficient=0.0), evidential(*ANSWERS, TARGET, coefficient=0.0)
    )


def test_the_gradient_of_the_answer_is_that_of_the_docstring() -> None:
    answer = GAMMA.clone().requires_grad_()
    values = evidential(answer, *ANSWERS[1:], TARGET, coefficient=0.3)
    (gradient,) = torch.autograd.grad(values.sum(), answer)
    residual, width = GAMMA - TARGET, 2 * BETA * (1 + NU) / NU
    likelihood = (2 * ALPHA + 1) * residual / (width + residual.square())
    torch.testing.assert_close(gradient, likelihood + 0.3 * residual.sign() * (2 * NU + ALPHA))


def test_a_confident_error_is_pulled_at_and_its_evidence_falls() -> None:
    leaves = [torch.tensor([v], requires_grad=True) for v in (0.0, 50.0, 50.0, -50.0)]
    value = evidential(*leaves, torch.tensor([1e3]))
    gradients = torch.autograd.grad(value.sum(), leaves)
    assert value.item() > 1e3
    assert gradients[0].item() < -1  # towards the target
    assert gradients[1].item() > 0
    assert gradients[2].item() > 0


@pytest.mark.parametrize("x", [-1e4, -100.0, -35.0, -34.9, -1.0, 0.0, 30.0, 1e4])
def test_the_logarithm_of_the_softplus(x: float) -> None:
    leaf = torch.tensor([x], requires_grad=True)
    value = _log_softplus(leaf)
    (gradient,) = torch.autograd.grad(value.sum(), leaf)
    expected = x if x < -34 else math.log(x if x > 50 else math.log1p(math.exp(x)))
    assert value.item() == pytest.approx(expected, rel=1e-6)
    slope = 1.0 if x < -34 else 1 / (1 + math.exp(-x)) / math.exp(expected)
    assert gradient.item() == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("place", [1, 2, 3], ids=["nu", "alpha", "beta"])
def test_shapes_that_differ_are_an_error(place: int) -> None:
    tensors = [torch.zeros(4, 1) for _ in range(5)]
    tensors[place] = torch.zeros(4)
    name = ("nu", "alpha", "beta")[place - 1]
    with pytest.raises(
        ValueError, match=rf"{name}_logits shaped like the prediction \(4, 1\); got"
    ):
        evidential(*tensors)
    with pytest.raises(ValueError, match=r"answer \(4, 1\), got \(4,\); use target.unsqueeze\(1\)"):
        evidential(*[torch.zeros(4, 1)] * 4, torch.zeros(4))


def test_a_negative_coefficient_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"coefficient must be at least 0; got -0\.1"):
        evidential(*ANSWERS, TARGET, coefficient=-0.1)
