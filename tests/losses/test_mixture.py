"""The mixture likelihood: torch 2.13.0's distributions and closed forms."""

import math

import pytest
import torch
from losslab.losses import gaussian_nll, mdn_nll
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(6, 3, generator=GENERATOR, dtype=torch.double)
MU, LOG_SIGMA = torch.randn(2, 6, 3, 2, generator=GENERATOR, dtype=torch.double)
TARGET = torch.randn(6, 2, generator=GENERATOR, dtype=torch.double)


def test_a_shared_mixture_is_torchs_density() -> None:
    components = Independent(Normal(MU, LOG_SIGMA.exp()), 1)
    mixture = MixtureSameFamily(Categorical(logits=LOGITS), components)
    torch.testing.assert_close(mdn_nll(LOGITS, MU, LOG_SIGMA, TARGET), -mixture.log_prob(TARGET))


def test_a_mixture_for_each_output_is_torchs_density() -> None:
    logits, mu, log_sigma = torch.randn(3, 6, 2, 4, generator=GENERATOR, dtype=torch.double)
    mixture = MixtureSameFamily(Categorical(logits=logits), Normal(mu, log_sigma.exp()))
    values = mdn_nll(logits, mu, log_sigma, TARGET)
    assert values.shape == (6, 2)
    torch.testing.assert_close(values, -mixture.log_prob(TARGET))


def test_one_output_is_the_same_in_both_forms() -> None:
    mu, log_sigma = MU[..., :1], LOG_SIGMA[..., :1]
    shared = mdn_nll(LOGITS, mu, log_sigma, TARGET[:, :1])
    own = mdn_nll(LOGITS.unsqueeze(1), mu.mT, log_sigma.mT, TARGET[:, :1])
    torch.testing.assert_close(own.squeeze(1), shared)


def test_one_component_is_gaussian() -> None:
    values = mdn_nll(LOGITS[:, :1], MU[:, :1], LOG_SIGMA[:, :1], TARGET)
    expected = gaussian_nll(MU[:, 0], 2 * LOG_SIGMA[:, 0], TARGET).sum(1)
    torch.testing.assert_close(values, expected)


def test_equal_components_are_one() -> None:
    mu, log_sigma = MU[:, :1].expand(-1, 3, -1), LOG_SIGMA[:, :1].expand(-1, 3, -1)
    one = mdn_nll(LOGITS[:, :1], MU[:, :1], LOG_SIGMA[:, :1], TARGET)
    torch.testing.assert_close(mdn_nll(LOGITS, mu, log_sigma, TARGET), one)


def test_a_shared_mixture_knows_which_values_go_together() -> None:
    mu = torch.tensor([[[-1.0, -1.0], [1.0, 1.0]]]).double()
    arguments = torch.zeros(1, 2).double(), mu, torch.full_like(mu, -2)
    together, apart = (mdn_nll(*arguments, torch.tensor([y]).double()) for y in ([1, 1], [1, -1]))
    assert together.item() < 0 < apart.item()


def test_gradients_are_those_of_the_responsibilities() -> None:
    leaves = [t.clone().requires_grad_() for t in (LOGITS, MU)]
    values = mdn_nll(*leaves, LOG_SIGMA, TARGET)
    of_logits, of_mu = torch.autograd.grad(values.sum(), leaves)
    density = Normal(MU, LOG_SIGMA.exp()).log_prob(TARGET.unsqueeze(1)).sum(-1)
    responsibility = (LOGITS.log_softmax(1) + density).softmax(1)
    torch.testing.assert_close(of_logits, LOGITS.softmax(1) - responsibility)
    pull = (MU - TARGET.unsqueeze(1)) / LOG_SIGMA.exp().square()
    torch.testing.assert_close(of_mu, responsibility.unsqueeze(2) * pull)


def test_a_target_that_no_component_explains_still_pulls() -> None:
    mu = torch.tensor([[[-1.0], [1.0]]], requires_grad=True)
    value = mdn_nll(torch.zeros(1, 2), mu, torch.zeros(1, 2, 1), torch.tensor([[1e4]]))
    (gradient,) = torch.autograd.grad(value.sum(), mu)
    expected = 0.5 * 9999.0**2 + math.log(2) + 0.5 * math.log(2 * math.pi)
    assert value.item() == pytest.approx(expected, rel=1e-6)
    assert gradient.flatten().tolist() == [0, -9999]


def test_logits_of_any_size_are_finite() -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0]]).repeat(6, 1).requires_grad_()
    values = mdn_nll(logits, MU, LOG_SIGMA, TARGET)
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    assert values.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("log_sigma", [-100.0, -1e4])
def test_a_component_that_meets_the_target_may_be_as_narrow_as_it_likes(log_sigma: float) -> None:
    mu = torch.zeros(1, 2, 1, requires_grad=True)
    spread = torch.tensor([[[log_sigma], [0.0]]], requires_grad=True)
    value = mdn_nll(torch.zeros(1, 2), mu, spread, torch.zeros(1, 1))
    gradients = torch.autograd.grad(value.sum(), (mu, spread))
    expected = log_sigma + math.log(2) + 0.5 * math.log(2 * math.pi)
    assert value.item() == pytest.approx(expected)
    found = torch.cat([g.flatten() for g in gradients])
    torch.testing.assert_close(found, torch.tensor([0.0, 0, 1, 0]))


@pytest.mark.parametrize(
    "shapes",
    [
        ((6, 3), (6, 3, 2), (6, 3, 1), (6, 2)),
        ((6, 3), (6, 2, 3), (6, 2, 3), (6, 2)),
        ((6, 3), (6, 3, 2), (6, 3, 2), (6, 1)),
        ((6, 3), (6, 3), (6, 3), (6, 1)),
        ((6, 2, 3), (6, 3, 2), (6, 3, 2), (6, 2)),
        ((6,), (6, 3), (6, 3), (6,)),
    ],
    ids=["log_sigma", "axes", "target", "no outputs", "each output", "no components"],
)
def test_shapes_that_do_not_fit_are_an_error(shapes: tuple[tuple[int, ...], ...]) -> None:
    tensors: list[Tensor] = [torch.zeros(shape) for shape in shapes]
    with pytest.raises(
        ValueError, match=r"expected mixture_logits \[batch, components\].* got \(6"
    ):
        mdn_nll(*tensors)
