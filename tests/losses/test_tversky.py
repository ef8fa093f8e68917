"""Tversky, focal Tversky, Jaccard: masks counted by hand, scikit-learn 1.9.1, four peers."""

from typing import Any

import pytest
import torch
from loss_tools import scores
from losslab.losses import dice, focal_tversky, jaccard, tversky
from sklearn.metrics import jaccard_score
from torch import Tensor

# One pixel right; then one false positive, and one miss.
RIGHT = torch.tensor([[[1.0, 0, 0, 0]]]).double()
TWO = torch.tensor([[[1.0, 1, 0, 0]]]).double()


def soft() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 2, 4, 5, generator=generator, dtype=torch.double)
    return logits, torch.randint(2, (3, 2, 4, 5), generator=generator)


def test_alpha_is_the_price_of_a_false_positive_and_beta_of_a_miss() -> None:
    assert tversky(scores(TWO), RIGHT, alpha=0.2, beta=0.9).item() == pytest.approx(0.2 / 1.2)
    assert tversky(scores(RIGHT), TWO, alpha=0.2, beta=0.9).item() == pytest.approx(0.9 / 1.9)
    assert tversky(scores(TWO), RIGHT, alpha=0.0, beta=1.0).item() == 0
    assert tversky(scores(RIGHT), TWO, alpha=1.0, beta=0.0).item() == 0


def test_smooth_stands_once_in_numerator_and_denominator() -> None:
    value = tversky(scores(TWO), RIGHT, alpha=0.2, smooth=3.0)
    assert value.item() == pytest.approx(1 - 4 / 4.2)


def test_an_answer_without_a_pixel_is_worst_even_where_misses_are_free() -> None:
    logits = torch.full((1, 1, 4), -1e4, requires_grad=True)
    value = tversky(logits, RIGHT.float(), alpha=1.0, beta=0.0)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert value.item() == 1
    assert gradient.isfinite().all()


@pytest.mark.parametrize("per", ["image", "batch"])
def test_its_limits_are_dice_and_jaccard(per: str) -> None:
    logits, target = soft()
    torch.testing.assert_close(
        tversky(logits, target, alpha=0.5, beta=0.5, smooth=0.5, per=per),
        dice(logits, target, smooth=1.0, per=per),
    )
    torch.testing.assert_close(
        tversky(logits, target, alpha=1, beta=1, smooth=0.5, per=per),
        jaccard(logits, target, smooth=0.5, per=per),
    )


def test_jaccard_is_twice_dice_over_one_plus_dice() -> None:
    logits, target = soft()
    d = dice(logits[:, :1], target[:, :1])
    torch.testing.assert_close(jaccard(logits[:, :1], target[:, :1]), 2 * d / (1 + d))


def test_jaccard_of_hard_answers_is_one_minus_scikit_learns() -> None:
    generator = torch.Generator().manual_seed(0)
    answer, target = torch.randint(2, (2, 1, 1, 50), generator=generator)
    expected = 1 - jaccard_score(target.flatten(), answer.flatten())
    assert jaccard(scores(answer), target).item() == pytest.approx(expected)


def test_focal_tversky_takes_the_root_and_gamma_one_is_tversky() -> None:
    logits, target = soft()
    one = (logits[:, :1], target[:, :1])
    t = tversky(*one)
    torch.testing.assert_close(focal_tversky(*one, gamma=1.0), t)
    torch.testing.assert_close(focal_tversky(*one), t**0.75)
    torch.testing.assert_close(focal_tversky(*one, gamma=0.5), t**2)


def test_focal_tversky_takes_it_of_each_class() -> None:
    logits, target = soft()
    by_class = torch.stack([tversky(logits[:, c, None], target[:, c, None]) for c in range(2)], 1)
    torch.testing.assert_close(focal_tversky(logits, target), (by_class**0.75).mean(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_of_a_perfect_answer_focal_tversky_is_zero_with_a_finite_gradient(
    dtype: torch.dtype,
) -> None:
    for size in (1e4, 20.0, 10.0):
        logits = (size * (2 * TWO - 1)).to(dtype).requires_grad_()
        value = focal_tversky(logits, TWO.to(dtype), gamma=3.0)
        (gradient,) = torch.autograd.grad(value.sum(), logits)
        assert 0 <= value.item() < 0.1
        assert gradient.isfinite().all()


def test_penalised_false_positives_of_an_empty_class() -> None:
    nothing = torch.zeros(1, 1, 4)
    value = focal_tversky(scores(RIGHT), nothing, empty="penalise")
    assert value.item() == pytest.approx(0.25**0.75)
    assert tversky(scores(RIGHT), nothing, empty="penalise").item() == pytest.approx(0.25)


# Peers: smp is segmentation-models-pytorch 0.6.0


@pytest.mark.parametrize(("answer", "target"), [(TWO, RIGHT), (RIGHT, TWO)], ids=["fp", "fn"])
def test_monai_and_smp_have_the_same_alpha_and_beta(
    monai: Any, smp: Any, answer: Tensor, target: Tensor
) -> None:
    value = tversky(scores(answer), target, alpha=0.2, beta=0.9, smooth=0.5).mean()
    peer = monai.TverskyLoss(sigmoid=True, alpha=0.2, beta=0.9, smooth_nr=0.5, smooth_dr=0.5)
    torch.testing.assert_close(value, peer(scores(answer), target))
    peer = smp.TverskyLoss("binary", alpha=0.2, beta=0.9, smooth=0.5)
    torch.testing.assert_close(value, peer(scores(answer), target))


@pytest.mark.parametrize(("answer", "target"), [(TWO, RIGHT), (RIGHT, TWO)], ids=["fp", "fn"])
def test_keras_swaps_alpha_and_beta(keras: Any, answer: Tensor, target: Tensor) -> None:
    peer = keras.Tversky(alpha=0.2, beta=0.9)(target.numpy(), answer.numpy())
    swapped = tversky(scores(answer), target, alpha=0.9, beta=0.2)
    assert float(peer) == pytest.approx(swapped.item(), rel=1e-5)


def test_of_classes_it_is_monais_and_kornias(monai: Any, kornia: Any) -> None:
    logits, _ = soft()
    target = torch.randint(2, (3, 4, 5), generator=torch.Generator().manual_seed(1))
    options = {"softmax": True, "to_onehot_y": True, "smooth_nr": 0.5, "smooth_dr": 0.5}
    peer = monai.TverskyLoss(**options, alpha=0.2, beta=0.9)(logits, target.unsqueeze(1))
    value = tversky(logits, target, alpha=0.2, beta=0.9, smooth=0.5)
    torch.testing.assert_close(value.mean(), peer)
    peer = kornia.tversky_loss(logits, target, alpha=0.2, beta=0.9)
    value = tversky(logits, target, alpha=0.2, beta=0.9)
    torch.testing.assert_close(value.mean(), peer, rtol=1e-6, atol=0)


def test_jaccard_is_monais_with_half_its_smooth_and_smps(monai: Any, smp: Any) -> None:
    logits, _ = soft()
    target = torch.randint(2, (3, 4, 5), generator=torch.Generator().manual_seed(1))
    options = {"softmax": True, "to_onehot_y": True, "smooth_nr": 0.5, "smooth_dr": 0.5}
    peer = monai.DiceLoss(**options, jaccard=True)(logits, target.unsqueeze(1))
    # MONAI's jaccard writes (2I + s)/(2U + s).
    torch.testing.assert_close(jaccard(logits, target, smooth=0.25).mean(), peer)
    peer = smp.JaccardLoss("multiclass", smooth=0.5)(logits, target)
    torch.testing.assert_close(jaccard(logits, target, smooth=0.5, per="batch"), peer)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alpha": -0.1}, "alpha must be at least 0; got -0.1"),
        ({"beta": -0.1}, "beta must be at least 0; got -0.1"),
        ({"alpha": 0, "beta": 0.0}, "alpha and beta must not both be 0"),
    ],
    ids=["alpha", "beta", "both"],
)
def test_options_outside_their_range_are_an_error(options: dict[str, float], text: str) -> None:
    for loss in (tversky, focal_tversky):
        with pytest.raises(ValueError, match=text):
            loss(scores(TWO), RIGHT, **options)


def test_a_gamma_that_is_not_positive_is_an_error() -> None:
    with pytest.raises(ValueError, match="gamma must be positive; got 0"):
        focal_tversky(scores(TWO), RIGHT, gamma=0)
