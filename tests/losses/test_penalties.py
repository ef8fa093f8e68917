"""Penalties on the answer: torch 2.13's entropy, loops written out, kornia 0.9.0."""

import math

import pytest
import torch
from losslab.losses import confidence_penalty, cross_entropy, total_variation
from torch import Tensor
from torch.distributions import Bernoulli, Categorical

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(5, 3, 2, generator=GENERATOR, dtype=torch.double)
IMAGE = torch.randn(4, 2, 5, 6, generator=GENERATOR, dtype=torch.double)


# Confidence


def test_it_is_the_negative_entropy_of_torchs_distributions() -> None:
    expected = -Categorical(logits=LOGITS.movedim(1, -1)).entropy()
    torch.testing.assert_close(confidence_penalty(LOGITS), expected)
    one = LOGITS[:, :1]
    torch.testing.assert_close(confidence_penalty(one), -Bernoulli(logits=one).entropy())


def test_one_channel_is_two_of_which_one_is_zero() -> None:
    one = LOGITS[:, :1]
    two = torch.cat([torch.zeros_like(one), one], 1)
    torch.testing.assert_close(confidence_penalty(one).squeeze(1), confidence_penalty(two))


def test_a_threshold_lets_the_undecided_alone() -> None:
    logits = LOGITS.clone().requires_grad_()
    plain, values = confidence_penalty(LOGITS), confidence_penalty(logits, threshold=0.8)
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    free = -plain > 0.8
    assert free.any()
    assert (~free).any()
    assert (values[free] == 0).all()
    assert (gradient.movedim(1, -1)[free] == 0).all()
    torch.testing.assert_close(values[~free], 0.8 + plain[~free])


def test_its_gradient_is_the_formula() -> None:
    logits = LOGITS.clone().requires_grad_()
    values = confidence_penalty(logits)
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    p = LOGITS.softmax(1)
    torch.testing.assert_close(gradient, p * (p.log() - values.detach().unsqueeze(1)))


def test_beside_cross_entropy_it_lowers_the_confidence_of_the_minimum() -> None:
    weight = 0.5
    logits = torch.zeros(1, 2, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=100, tolerance_change=1e-14)
    target = torch.tensor([[0.9, 0.1]], dtype=torch.double)

    def closure() -> Tensor:
        optimizer.zero_grad()
        total = (cross_entropy(logits, target) + weight * confidence_penalty(logits)).sum()
        total.backward()
        return total

    optimizer.step(closure)
    p = logits.detach().softmax(1)[0]
    assert 0.5 < p[0] < 0.9
    # p − y + w p (log p + H) = 0
    entropy = -(p * p.log()).sum()
    torch.testing.assert_close(p + weight * p * (p.log() + entropy), target[0])


# Total variation


def _by_hand(image: Tensor, counts: Tensor, isotropic: bool) -> float:
    """Of one image `[channels, height, width]`, over the pixels that count."""
    channels, height, width = image.shape
    total = 0.0
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                differences = [
                    (image[c, k, m] - image[c, i, j]).item()
                    for k, m in ((i + 1, j), (i, j + 1))
                    if k < height and m < width and counts[c, k, m] and counts[c, i, j]
                ]
                total += math.hypot(*differences) if isotropic else sum(map(abs, differences))
    return total / counts.sum().item()


@pytest.mark.parametrize("kind", ["anisotropic", "isotropic"])
def test_it_is_the_sum_written_out(kind: str) -> None:
    counts = torch.rand(IMAGE.shape, generator=torch.Generator().manual_seed(1)) < 0.8
    everything = torch.ones_like(counts)
    for mask, weight in ((everything, None), (counts, counts.double())):
        expected = [
            _by_hand(image, m, kind == "isotropic") for image, m in zip(IMAGE, mask, strict=True)
        ]
        assert total_variation(IMAGE, weight, kind=kind).tolist() == pytest.approx(expected)


def test_it_is_kornias_sum_over_the_pixels() -> None:
    kornia = pytest.importorskip("kornia.losses")
    expected = kornia.total_variation(IMAGE, reduction="sum").sum(1) / IMAGE[0].numel()
    torch.testing.assert_close(total_variation(IMAGE), expected)


def test_noise_costs_and_an_edge_does_not_depend_on_how_steep_it_is() -> None:
    line = torch.tensor([0.0, 0.0, 1.0, 1.0]).reshape(1, 1, 4)
    ramp = torch.tensor([0.0, 1 / 3, 2 / 3, 1.0]).reshape(1, 1, 4)
    noise = torch.tensor([0.0, 1.0, 0.0, 1.0]).reshape(1, 1, 4)
    values = [total_variation(x).item() for x in (line, ramp, noise)]
    assert values == pytest.approx([0.25, 0.25, 0.75])


def test_a_flat_image_has_a_gradient_of_zero() -> None:
    for kind in ("anisotropic", "isotropic"):
        image = torch.ones(1, 1, 3, 3, requires_grad=True)
        value = total_variation(image, kind=kind)
        (gradient,) = torch.autograd.grad(value.sum(), image)
        assert value.item() == 0
        assert (gradient == 0).all()


def test_images_count_with_their_mean_weight() -> None:
    plain = total_variation(IMAGE)
    weighted = total_variation(IMAGE, torch.tensor([2.0, 1, 0, 1]).double()).mean()
    torch.testing.assert_close(weighted, (2 * plain[0] + plain[1] + plain[3]) / 4)
    assert (total_variation(IMAGE.float(), torch.zeros(4)) == 0).all()


# What does not fit


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: confidence_penalty(LOGITS[0, 0]), r"expected logits .* got shape \(2,\)"),
        (lambda: confidence_penalty(LOGITS, threshold=0.0), "threshold must be positive; got 0.0"),
        (
            lambda: total_variation(IMAGE, kind="total"),
            "kind must be one of anisotropic, isotropic; got total",
        ),
        (
            lambda: total_variation(IMAGE[0, 0]),
            r"with at least one spatial axis; got shape \(5, 6\)",
        ),
        (
            lambda: total_variation(IMAGE, torch.ones(6)),
            r"a weight of shape \(6,\) does not fit values of shape \(4, 2, 5, 6\)",
        ),
    ],
    ids=["logits", "threshold", "kind", "image", "weight"],
)
def test_what_does_not_fit_is_an_error(call: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
