"""Divergences from target probabilities: closed forms, torch 2.13.0, scipy 1.17.1."""

import math

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import bce, cross_entropy, js_divergence, kl_divergence
from losslab.losses.names import read_signature
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.9], [-2.0, 0.1, 3.0]]).double()
TARGET = torch.tensor([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5]], dtype=torch.double)
ONE = torch.tensor([[-1.5], [0.0], [3.0]]).double()
SHARE = torch.tensor([[0.3], [1.0], [0.0]], dtype=torch.double)


def of_two_classes(logits: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.zeros_like(logits), logits], 1)


# kl_divergence


def test_kl_divergence_is_scipys() -> None:
    expected = torch.tensor(entropy(TARGET, LOGITS.softmax(1), axis=1))
    torch.testing.assert_close(kl_divergence(LOGITS, TARGET), expected)


def test_kl_divergence_is_torchs() -> None:
    expected = F.kl_div(LOGITS.log_softmax(1), TARGET, reduction="none").sum(1)
    torch.testing.assert_close(kl_divergence(LOGITS, TARGET), expected)


def test_kl_divergence_is_cross_entropy_less_the_targets_entropy() -> None:
    of_target = torch.tensor(entropy(TARGET, axis=1))
    torch.testing.assert_close(
        kl_divergence(LOGITS, TARGET), cross_entropy(LOGITS, TARGET) - of_target
    )


def test_kl_divergence_of_one_channel_is_that_of_two_classes() -> None:
    two = kl_divergence(of_two_classes(ONE), torch.cat([1 - SHARE, SHARE], 1))
    torch.testing.assert_close(kl_divergence(ONE, SHARE).squeeze(1), two)
    torch.testing.assert_close(kl_divergence(ONE, SHARE.round()), bce(ONE, SHARE.round()))


def test_kl_divergence_is_zero_at_the_target() -> None:
    target = TARGET[:1]
    assert kl_divergence(target.log(), target).abs().item() < 1e-15
    assert kl_divergence(torch.logit(SHARE[:1]), SHARE[:1]).abs().item() < 1e-15


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_kl_divergence_gradient_is_the_temperature_times_the_difference(
    temperature: float,
) -> None:
    logits = LOGITS.clone().requires_grad_()
    values = kl_divergence(logits, TARGET, temperature=temperature)
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    expected = temperature * ((LOGITS / temperature).softmax(1) - TARGET)
    torch.testing.assert_close(gradient, expected)


def test_kl_divergence_is_least_at_the_mean_of_differing_targets() -> None:
    logits = TARGET.mean(0).log().requires_grad_()
    (gradient,) = torch.autograd.grad(kl_divergence(logits.expand(3, 3), TARGET).sum(), logits)
    assert gradient.abs().max() < 1e-15


@pytest.mark.parametrize("temperature", [0, -1.0])
def test_kl_divergence_refuses_a_temperature_that_is_not_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature must be positive; got {temperature}"):
        kl_divergence(LOGITS, TARGET, temperature=temperature)


# js_divergence


def test_js_divergence_is_scipys_distance_squared() -> None:
    expected = torch.tensor(jensenshannon(TARGET, LOGITS.softmax(1), axis=1)) ** 2
    torch.testing.assert_close(js_divergence(LOGITS, TARGET), expected)


def test_js_divergence_is_symmetric() -> None:
    other = LOGITS.flip(0)
    torch.testing.assert_close(
        js_divergence(LOGITS, other.softmax(1)), js_divergence(other, LOGITS.softmax(1))
    )


def test_js_divergence_of_one_channel_is_that_of_two_classes() -> None:
    two = js_divergence(of_two_classes(ONE), torch.cat([1 - SHARE, SHARE], 1))
    torch.testing.assert_close(js_divergence(ONE, SHARE).squeeze(1), two)


def test_js_divergence_is_at_most_log_two_and_has_no_gradient_there() -> None:
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    values = js_divergence(logits, torch.tensor([[0.0, 0.5, 0.5]]))
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    assert values.item() == pytest.approx(math.log(2))
    assert (gradient == 0).all()


def test_js_divergence_gradient_is_the_formula_of_its_docstring() -> None:
    logits = LOGITS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(js_divergence(logits, TARGET).sum(), logits)
    p = LOGITS.softmax(1)
    ratio = (2 * p / (p + TARGET)).log()
    torch.testing.assert_close(gradient, p * (ratio - (p * ratio).sum(1, keepdim=True)) / 2)


def test_js_divergence_has_two_finite_derivatives_where_it_saturates() -> None:
    for size in (0.0, 20.0, 200.0, 1e4):
        logits = torch.tensor([[size, 0.0, -size]], requires_grad=True)
        for target in ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]):
            values = js_divergence(logits, torch.tensor([target]))
            (gradient,) = torch.autograd.grad(values.sum(), logits, create_graph=True)
            (second,) = torch.autograd.grad((gradient**2).sum(), logits)
            assert gradient.isfinite().all()
            assert second.isfinite().all()


def test_js_divergence_is_drawn_towards_the_most_probable_class() -> None:
    p = torch.linspace(0.001, 0.999, 999).double()
    logits, ones = torch.logit(p).unsqueeze(1), torch.ones(999, 1).double()
    risk = 0.7 * js_divergence(logits, ones) + 0.3 * js_divergence(logits, 0 * ones)
    assert p[risk.argmin()] > 0.75


# both


@pytest.mark.parametrize("loss", [kl_divergence, js_divergence], ids=lambda f: f.__name__)
def test_a_target_of_another_shape_is_an_error(loss: object) -> None:
    with pytest.raises(ValueError, match=r"\(3, 3\), got \(3,\); for class indices use cross_en"):
        loss(LOGITS, torch.tensor([0, 1, 2]))


def test_a_target_that_does_not_sum_to_one_is_out_of_its_domain() -> None:
    domain = read_signature(kl_divergence).domains["target"]
    assert domain.violation(TARGET, {"logits": LOGITS}) is None
    assert domain.violation(SHARE, {"logits": ONE}) is None
    text = domain.violation(TARGET[:1] / 2, {"logits": LOGITS})
    assert text == (
        "3 of 3 values are not probabilities that sum to 1 over the channels: 0.1, 0.15, 0.25"
    )
