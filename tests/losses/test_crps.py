"""The CRPS of a Gaussian and of an ensemble: its integral, scipy 1.17.1's normal, closed forms."""

import math

import pytest
import torch
from losslab.losses import crps_ensemble, crps_gaussian, l1
from scipy.integrate import quad
from scipy.stats import norm

GENERATOR = torch.Generator().manual_seed(0)
MU, LOG_SCALE, TARGET = torch.randn(3, 6, 2, generator=GENERATOR, dtype=torch.double)
MEMBERS = torch.randn(6, 2, 7, generator=GENERATOR, dtype=torch.double)


def pairwise(divisor: float) -> torch.Tensor:
    spread = (MEMBERS.unsqueeze(-1) - MEMBERS.unsqueeze(-2)).abs().sum((-1, -2))
    return (MEMBERS - TARGET.unsqueeze(-1)).abs().mean(-1) - spread / divisor


@pytest.mark.parametrize(("mu", "sigma", "y"), [(0.0, 1.0, 0.3), (1.0, 0.2, -2.0), (-1.0, 5.0, 8)])
def test_of_a_gaussian_it_is_the_integral(mu: float, sigma: float, y: float) -> None:
    below = quad(lambda x: norm.cdf(x, mu, sigma) ** 2, -60, y, epsabs=1e-12, limit=200)[0]
    above = quad(lambda x: norm.sf(x, mu, sigma) ** 2, y, 60, epsabs=1e-12, limit=200)[0]
    arguments = (torch.tensor([v]).double() for v in (mu, math.log(sigma), y))
    assert crps_gaussian(*arguments).item() == pytest.approx(below + above, rel=1e-7)


def test_of_a_gaussian_it_is_the_closed_form_with_scipys_normal() -> None:
    sigma = LOG_SCALE.exp().numpy()
    u = ((TARGET - MU) / LOG_SCALE.exp()).numpy()
    expected = sigma * (u * (2 * norm.cdf(u) - 1) + 2 * norm.pdf(u) - 1 / math.sqrt(math.pi))
    torch.testing.assert_close(crps_gaussian(MU, LOG_SCALE, TARGET), torch.from_numpy(expected))


def test_gradients_of_a_gaussian() -> None:
    leaves = [t.clone().requires_grad_() for t in (MU, LOG_SCALE)]
    of_mu, of_scale = torch.autograd.grad(crps_gaussian(*leaves, TARGET).sum(), leaves)
    sigma = LOG_SCALE.exp()
    u = ((TARGET - MU) / sigma).numpy()
    torch.testing.assert_close(of_mu, torch.from_numpy(1 - 2 * norm.cdf(u)))
    expected = sigma * torch.from_numpy(2 * norm.pdf(u) - 1 / math.sqrt(math.pi))
    torch.testing.assert_close(of_scale, expected)


def test_without_spread_it_is_the_absolute_error() -> None:
    narrow = torch.full_like(MU, -1e4)
    torch.testing.assert_close(crps_gaussian(MU, narrow, TARGET), l1(MU, TARGET))


@pytest.mark.parametrize("log_scale", [-1e4, -100.0, -85.0, 0.0, 85.0])
@pytest.mark.parametrize("residual", [0.0, 1e-30, 1.0, -1e4])
def test_in_the_tails_value_and_gradient_are_finite(residual: float, log_scale: float) -> None:
    leaves = [torch.tensor([v], requires_grad=True) for v in (residual, log_scale)]
    value = crps_gaussian(*leaves, torch.zeros(1))
    gradients = torch.autograd.grad(value.sum(), leaves)
    assert value.isfinite().all()
    assert all(g.isfinite().all() for g in gradients)
    if log_scale < -80 and abs(residual) >= 1:
        assert gradients[0].item() == math.copysign(1, residual)


def test_the_best_gaussian_has_mean_and_spread_of_a_gaussian_target() -> None:
    target = torch.from_numpy(norm.ppf((torch.arange(4000) + 0.5).numpy() / 4000, 2, 3))
    answer = torch.zeros(2).double().requires_grad_()
    optimizer = torch.optim.LBFGS([answer], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        mean = crps_gaussian(answer[0].expand(4000), answer[1].expand(4000), target).mean()
        torch.autograd.backward(mean)
        return mean

    optimizer.step(closure)  # type: ignore[arg-type]  # torch wants a float, and takes a tensor
    assert answer[0].item() == pytest.approx(2, abs=1e-3)
    assert answer[1].exp().item() == pytest.approx(3, rel=1e-3)


def test_of_an_ensemble_it_is_the_sum_over_pairs() -> None:
    torch.testing.assert_close(crps_ensemble(MEMBERS, TARGET), pairwise(2 * 7**2))
    torch.testing.assert_close(crps_ensemble(MEMBERS, TARGET, fair=True), pairwise(2 * 7 * 6))


def test_of_one_member_it_is_the_absolute_error() -> None:
    torch.testing.assert_close(crps_ensemble(MU.unsqueeze(-1), TARGET), l1(MU, TARGET))


def test_it_is_twice_the_mean_quantile_loss_of_the_sorted_members() -> None:
    level = (torch.arange(7).double() + 0.5) / 7
    below = TARGET.unsqueeze(-1) - MEMBERS.sort(-1).values
    quantile = torch.maximum(level * below, (level - 1) * below)
    torch.testing.assert_close(crps_ensemble(MEMBERS, TARGET), 2 * quantile.mean(-1))


def test_many_members_of_a_gaussian_score_as_the_gaussian() -> None:
    level = (torch.arange(20_000).double() + 0.5) / 20_000
    members = MU.unsqueeze(-1) + LOG_SCALE.exp().unsqueeze(-1) * torch.special.ndtri(level)
    expected = crps_gaussian(MU, LOG_SCALE, TARGET)
    torch.testing.assert_close(crps_ensemble(members, TARGET), expected, rtol=1e-4, atol=1e-5)


def test_fair_is_right_on_average_however_few_the_members() -> None:
    draws = torch.randn(200_000, 1, 2, generator=GENERATOR, dtype=torch.double)
    target = torch.full((200_000, 1), 0.5).double()
    zero = torch.zeros(1).double()
    truth = crps_gaussian(zero, zero, torch.tensor([0.5]).double()).item()
    assert crps_ensemble(draws, target, fair=True).mean().item() == pytest.approx(truth, abs=5e-3)
    assert crps_ensemble(draws, target).mean().item() > truth + 0.2


def test_the_best_members_are_quantiles() -> None:
    target = torch.linspace(0, 1, 1001).double().unsqueeze(1)
    members = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4]).double().requires_grad_()
    optimizer = torch.optim.Adam([members], lr=0.01)
    for _ in range(600):
        optimizer.zero_grad()
        crps_ensemble(members.expand(1001, 1, 5), target).mean().backward()
        optimizer.step()
    quantiles = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9]).double()
    torch.testing.assert_close(members.detach(), quantiles, rtol=0, atol=0.01)


def test_fair_lets_a_pair_around_the_target_go_as_far_as_it_likes() -> None:
    target = torch.tensor([[0.3]])
    for distance in (1.0, 100.0):
        pair = torch.tensor([[[-distance, distance]]])
        assert crps_ensemble(pair, target, fair=True).item() == 0
        assert crps_ensemble(pair, target).item() == pytest.approx(distance / 2)


def test_members_are_kept_apart_in_any_order_and_far_from_zero() -> None:
    shuffled = MEMBERS[..., torch.tensor([3, 1, 6, 0, 2, 5, 4])]
    torch.testing.assert_close(crps_ensemble(shuffled, TARGET), crps_ensemble(MEMBERS, TARGET))
    far = crps_ensemble((MEMBERS.round() + 1e5).float(), (TARGET.round() + 1e5).float())
    near = crps_ensemble(MEMBERS.round(), TARGET.round())
    torch.testing.assert_close(far.double(), near, rtol=1e-6, atol=1e-6)


def test_shapes_that_differ_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"log_scale shaped like the prediction \(6, 2\); got \(6"):
        crps_gaussian(MU, LOG_SCALE[:, 0], TARGET)
    with pytest.raises(ValueError, match=r"answer \(6, 2\), got \(6, 1\)"):
        crps_gaussian(MU, LOG_SCALE, TARGET[:, :1])
    for target in (TARGET[:, :1], TARGET.unsqueeze(-1), TARGET[:, 0]):
        with pytest.raises(ValueError, match=r"members shaped like .* one axis more, .* \(6, 2, 7"):
            crps_ensemble(MEMBERS, target)


def test_fair_needs_two_members() -> None:
    with pytest.raises(ValueError, match="fair needs at least 2 members; got 1"):
        crps_ensemble(MEMBERS[..., :1], TARGET, fair=True)
