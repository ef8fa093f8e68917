"""Adversarial losses: one objective gives the gradients of the classical two, exactly."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import (
    adversarial_scores,
    bce,
    gradient_reversal,
    hinge,
    hinge_gan,
    least_squares_gan,
    mse,
    non_saturating,
)
from torch import Tensor, nn
from torch.func import grad, jvp, vmap

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

SCORES = torch.tensor([[-3.0], [-0.4], [0.2], [5.0]]).double()

# What the papers minimise for the discriminator (of real and fake scores) and for the generator.
CLASSICAL = {
    "non_saturating": (
        non_saturating,
        lambda r, f: F.softplus(-r) + F.softplus(f),
        lambda f: F.softplus(-f),
    ),
    "least_squares_gan": (
        least_squares_gan,
        lambda r, f: 0.5 * (r - 1) ** 2 + 0.5 * f**2,
        lambda f: 0.5 * (f - 1) ** 2,
    ),
    "hinge_gan": (hinge_gan, lambda r, f: F.relu(1 - r) + F.relu(1 + f), lambda f: -f),
}
GAMES = pytest.mark.parametrize(("loss", "of_d", "of_g"), CLASSICAL.values(), ids=CLASSICAL)
LOSSES = pytest.mark.parametrize("loss", [c[0] for c in CLASSICAL.values()], ids=CLASSICAL)

Score = Callable[..., Tensor]


# gradient_reversal


def test_reversal_is_the_identity_with_minus_its_gradient() -> None:
    x = SCORES.clone().requires_grad_()
    y = gradient_reversal(x, 0.3)
    torch.testing.assert_close(y, x, rtol=0, atol=0)
    (gradient,) = torch.autograd.grad(y.square().sum(), x)
    torch.testing.assert_close(gradient, -0.3 * 2 * SCORES)


def test_reversal_has_second_and_forward_derivatives() -> None:
    x = SCORES.clone().requires_grad_()
    (first,) = torch.autograd.grad(gradient_reversal(x, 2.0).pow(3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    torch.testing.assert_close(second, 4 * 6 * SCORES)
    _, forward = jvp(lambda x: gradient_reversal(x, 2.0), (SCORES,), (torch.ones_like(SCORES),))
    torch.testing.assert_close(forward, torch.full_like(SCORES, -2.0))


def test_reversal_takes_a_scale_for_each_run() -> None:
    scales = torch.tensor([0.0, 1.0, 2.5]).double()
    gradient = grad(lambda x, scale: gradient_reversal(x, scale).sum())
    together = vmap(gradient, in_dims=(None, 0))(SCORES, scales)
    torch.testing.assert_close(together, -scales.reshape(3, 1, 1).expand(3, 4, 1))


def test_reversal_compiles_in_one_graph() -> None:
    torch.compiler.reset()
    compiled = torch.compile(
        lambda x: gradient_reversal(x, 2.0).square().sum(), fullgraph=True, backend="eager"
    )
    x = SCORES.clone().requires_grad_()
    torch.testing.assert_close(torch.autograd.grad(compiled(x), x)[0], -4 * SCORES)


def test_reversal_refuses_a_negative_scale() -> None:
    with pytest.raises(ValueError, match="scale must be at least 0; got -1"):
        gradient_reversal(SCORES, -1)


# The games, with two real networks


def _networks() -> tuple[nn.Module, nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    discriminator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    with torch.no_grad():  # scores on both sides of every margin
        discriminator[2].weight.mul_(6)
    return generator, discriminator, torch.randn(32, 3).double() + 1, torch.randn(32, 2).double()


@GAMES
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_each_network_gets_the_gradient_of_its_own_loss(
    loss: Score, of_d: Score, of_g: Score, scale: float
) -> None:
    generator, discriminator, data, noise = _networks()
    d, g = list(discriminator.parameters()), list(generator.parameters())
    fake = discriminator(generator(noise))
    classical = [
        *torch.autograd.grad(of_d(discriminator(data), fake).mean(), d, retain_graph=True),
        *(scale * t for t in torch.autograd.grad(of_g(fake).mean(), g)),
    ]
    scores = adversarial_scores(discriminator, data, generator(noise), scale=scale)
    together = torch.autograd.grad(loss(**scores).mean(), [*d, *g])
    torch.testing.assert_close(list(together), classical)
    torch.testing.assert_close(loss(**scores), of_d(discriminator(data), fake))


def test_a_plain_reversal_is_the_saturating_game() -> None:
    """Its generator gets the gradient of -L_D, the discriminator's own with the sign turned."""
    generator, discriminator, _, noise = _networks()
    parameters = list(generator.parameters())
    scores = discriminator(gradient_reversal(generator(noise)))
    by_reversal = torch.autograd.grad(bce(scores, torch.zeros(32, 1)).mean(), parameters)
    scores = discriminator(generator(noise))
    saturating = torch.autograd.grad(F.logsigmoid(-scores).mean(), parameters)
    torch.testing.assert_close(by_reversal, saturating)


@GAMES
def test_the_generator_learns_where_its_samples_are_worst(
    loss: Score, of_d: Score, of_g: Score
) -> None:
    x = torch.tensor([[-30.0]], requires_grad=True)
    scores = adversarial_scores(lambda x: 1 * x, torch.tensor([[30.0]]), x)
    (gradient,) = torch.autograd.grad(loss(**scores).sum(), x)
    assert gradient.item() <= -1 + 1e-6


@LOSSES
def test_one_optimizer_moves_the_generated_samples_onto_the_data(loss: Score) -> None:
    torch.manual_seed(0)
    shift = torch.zeros(1, requires_grad=True)
    discriminator = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam([shift, *discriminator.parameters()], lr=0.02, betas=(0.5, 0.9))
    late = []
    for step in range(600):
        optimizer.zero_grad()
        data, generated = torch.randn(64, 1) + 2, torch.randn(64, 1) + shift
        loss(**adversarial_scores(discriminator, data, generated)).mean().backward()
        optimizer.step()
        if step >= 400:
            late.append(shift.item())
    assert sum(late) / len(late) == pytest.approx(2.0, abs=0.4)


# What the discriminator estimates, limits, errors


def test_non_saturating_discriminator_is_bce_of_data_and_generated() -> None:
    fake = SCORES.flip(0)
    expected = bce(SCORES, torch.ones(4, 1)) + bce(fake, torch.zeros(4, 1))
    torch.testing.assert_close(non_saturating(SCORES, fake, fake), expected)


def test_least_squares_discriminator_is_half_of_mse() -> None:
    fake = SCORES.flip(0)
    expected = 0.5 * (mse(SCORES, torch.ones(4, 1)) + mse(fake, -torch.ones(4, 1)))
    torch.testing.assert_close(least_squares_gan(SCORES, fake, fake, fake_label=-1.0), expected)


def test_hinge_discriminator_is_hinge_of_data_and_generated() -> None:
    fake = SCORES.flip(0)
    expected = hinge(SCORES, torch.ones(4, 1)) + hinge(fake, torch.zeros(4, 1))
    torch.testing.assert_close(hinge_gan(SCORES, fake, fake), expected)


@pytest.mark.parametrize(
    ("loss", "score", "value"),
    [(non_saturating, 0.0, 2 * math.log(2)), (least_squares_gan, 0.5, 0.25), (hinge_gan, 0.0, 2.0)],
    ids=CLASSICAL,
)
def test_where_data_and_generated_are_alike_the_discriminator_rests(
    loss: Score, score: float, value: float
) -> None:
    constant = torch.tensor([score], requires_grad=True)
    of_d = loss(constant, constant, constant)  # both kinds of sample get one score
    by_hand = torch.autograd.grad(of_d.sum(), constant)[0]
    assert of_d.item() == pytest.approx(value)
    assert by_hand.item() == pytest.approx(0)


@pytest.mark.parametrize(
    ("loss", "score"),
    [(non_saturating, math.log(4)), (least_squares_gan, 0.8), (hinge_gan, 1.0)],
    ids=CLASSICAL,
)
def test_a_sample_that_is_real_in_four_of_five_cases_gets_that_score(
    loss: Score, score: float
) -> None:
    """The best score of the discriminator, which sees real and fake in these shares."""
    z = torch.linspace(-3, 3, 6001).double()
    sure = torch.full_like(z, 30 if loss is non_saturating else 1)  # of which nothing is learnt
    real = loss(z, -sure, -sure)
    fake = loss(sure, z, z)
    best = z[(0.8 * real + 0.2 * fake).argmin()].item()
    assert best == pytest.approx(score, abs=1e-3)


@LOSSES
def test_scores_of_different_shapes_are_an_error(loss: Score) -> None:
    text = r"of one shape, .*; got \(4, 1\), \(4,\) and \(4, 1\)"
    with pytest.raises(ValueError, match=text):
        loss(SCORES, SCORES.squeeze(1), SCORES)


@pytest.mark.parametrize(
    ("loss", "options", "text"),
    [
        (hinge_gan, {"margin": 0.0}, "margin must be positive; got 0.0"),
        (least_squares_gan, {"real_label": "real"}, "real_label must be a finite number; got real"),
        (
            least_squares_gan,
            {"fake_label": math.inf},
            "fake_label must be a finite number; got inf",
        ),
        (least_squares_gan, {"generator_label": math.nan}, "generator_label must be a finite"),
    ],
    ids=["margin", "real_label", "fake_label", "generator_label"],
)
def test_options_out_of_range_are_errors(
    loss: Score, options: dict[str, object], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        loss(SCORES, SCORES, SCORES, **options)
