"""What every region loss shares: how the target may be written, weights, and what is left out."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from loss_tools import kept_bytes, scores
from losslab.losses import (
    dice,
    focal_tversky,
    generalized_dice,
    jaccard,
    log_cosh_dice,
    mcc,
    tversky,
)
from torch import Tensor

LOSSES = [dice, generalized_dice, log_cosh_dice, tversky, focal_tversky, jaccard, mcc]
every = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
per = pytest.mark.parametrize("per", ["image", "batch"])
Loss = Callable[..., Tensor]


def pixels(classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, classes, 6, 7, generator=generator, dtype=torch.double)
    return logits, torch.randint(classes, (3, 6, 7), generator=generator)


def one_hot(target: Tensor, classes: int = 4) -> Tensor:
    return F.one_hot(target, classes).movedim(-1, 1)


@every
@per
def test_indices_are_one_hot_masks_under_a_softmax(loss: Loss, per: str) -> None:
    logits, target = pixels()
    masks = one_hot(target)
    for dtype in (torch.uint8, torch.int32, torch.int64):
        torch.testing.assert_close(
            loss(logits, target.to(dtype), per=per),
            loss(logits, masks, per=per, activation="softmax"),
        )
    torch.testing.assert_close(
        loss(logits, target, per=per, activation="sigmoid"), loss(logits, masks, per=per)
    )


@every
@per
@pytest.mark.parametrize("shape", [(3, 6, 7), (3, 1, 6, 7), (3, 4, 6, 7), (3,)], ids=str)
def test_weights_of_indices_are_those_of_masks(
    loss: Loss, per: str, shape: tuple[int, ...]
) -> None:
    logits, target = pixels()
    weight = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    weight = torch.where(weight < 0.2, 0, weight)
    options = {"per": per, "smooth": 0.5, "activation": "softmax", "exclude": [1]}
    torch.testing.assert_close(
        loss(logits, target, weight, **options), loss(logits, one_hot(target), weight, **options)
    )


@every
def test_gradients_of_indices_are_those_of_masks_and_compiled_ones_too(loss: Loss) -> None:
    logits, target = pixels()
    logits.requires_grad_()
    (of_masks,) = torch.autograd.grad(
        loss(logits, one_hot(target), activation="softmax").sum(), logits
    )
    (of_indices,) = torch.autograd.grad(loss(logits, target).sum(), logits)
    torch.testing.assert_close(of_indices, of_masks)
    torch.compiler.reset()
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    weight = torch.rand(3, 6, 7, generator=torch.Generator().manual_seed(1))
    for given in (None, weight):
        value = compiled(logits, target, given)
        torch.testing.assert_close(value, loss(logits, target, given))
    (of_compiled,) = torch.autograd.grad(compiled(logits, target).sum(), logits)
    torch.testing.assert_close(of_compiled, of_masks)


@every
def test_only_the_probabilities_are_kept_for_the_gradient_of_indices(loss: Loss) -> None:
    logits = torch.randn(2, 21, 32, 32)
    target = torch.randint(21, (2, 32, 32))
    kept = kept_bytes(loss, logits, target)
    assert sum(kept.values()) <= 1.2 * logits.untyped_storage().nbytes()


@every
def test_a_soft_target_is_its_expected_mask(loss: Loss) -> None:
    logits = torch.zeros(1, 1, 4, dtype=torch.double)
    target = torch.tensor([[[0.75, 0.25, 0.5, 0.5]]]).double()
    value = loss(logits, target)
    # Every answer is 0.5, so only the target's sum matters.
    torch.testing.assert_close(value, loss(logits, torch.tensor([[[1.0, 1, 0, 0]]])))


@every
def test_excluding_a_class_gives_it_no_weight(loss: Loss) -> None:
    logits, target = pixels()
    torch.testing.assert_close(
        loss(logits, target, exclude=[0, 2]), loss(logits, target, class_weight=[0.0, 1, 0, 1])
    )
    masks = one_hot(target)
    torch.testing.assert_close(
        loss(logits, masks, exclude=(0, 2)), loss(logits[:, 1::2], masks[:, 1::2])
    )
    torch.testing.assert_close(loss(logits, target, exclude=[]), loss(logits, target))


@every
@per
@pytest.mark.parametrize("empty", ["skip", "zero", "penalise"])
def test_an_image_without_a_pixel_that_counts_is_left_out(loss: Loss, per: str, empty: str) -> None:
    logits, target = pixels()
    weight = torch.tensor([1.0, 0.0, 1.0])
    kept = torch.tensor([0, 2])
    torch.testing.assert_close(
        loss(logits, target, weight, per=per, empty=empty).mean(),
        loss(logits[kept], target[kept], per=per, empty=empty).mean(),
    )


@every
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_an_image_of_which_a_part_is_ignored_counts_like_a_whole_one(
    loss: Loss, smooth: float
) -> None:
    logits, target = pixels()
    weight = torch.ones(3, 6, 7)
    weight[0, :, 3:] = 0
    of_part = loss(logits[:1, ..., :3], target[:1, :, :3], smooth=smooth)
    of_whole = loss(logits[1:], target[1:], smooth=smooth)
    torch.testing.assert_close(
        loss(logits, target, weight, smooth=smooth), torch.cat([of_part, of_whole])
    )


@every
@per
@pytest.mark.parametrize("empty", ["skip", "zero", "penalise"])
@pytest.mark.parametrize("size", [-1e4, 0.0, 1e4])
def test_without_a_target_value_and_gradient_are_finite(
    loss: Loss, per: str, empty: str, size: float
) -> None:
    logits = torch.full((2, 1, 2, 3), size, requires_grad=True)
    value = loss(logits, torch.zeros(2, 1, 2, 3), per=per, empty=empty).sum()
    (gradient,) = torch.autograd.grad(value, logits)
    assert value.isfinite()
    assert gradient.isfinite().all()
    if empty != "penalise":
        assert value == 0
        assert (gradient == 0).all()
    elif size:
        torch.testing.assert_close(value > 0.4, torch.tensor(size > 0))


@every
def test_the_sums_of_a_large_image_do_not_overflow_in_half_precision(loss: Loss) -> None:
    logits = torch.full((1, 2, 512, 512), 10.0, dtype=torch.float16)
    logits[:, 0, 256:] = -10
    logits.requires_grad_()
    target = torch.ones(1, 512, 512, dtype=torch.uint8)
    target[:, :200] = 0
    for truth in (target, one_hot(target.long(), 2).half()):
        value, exact = loss(logits, truth), loss(logits.double(), truth)
        assert value.dtype == torch.float32
        torch.testing.assert_close(value.double(), exact, rtol=1e-5, atol=1e-6)
        (gradient,) = torch.autograd.grad(value.sum(), logits)
        assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("loss", "threshold"),
    [
        (dice, lambda index: index / 2),
        (generalized_dice, lambda index: index / 2),
        (log_cosh_dice, lambda index: index / 2),
        (jaccard, lambda index: index / (1 + index)),
        (tversky, lambda index: 0.3 * index),
        (focal_tversky, lambda index: 0.3 * index),
    ],
    ids=lambda value: getattr(value, "__name__", "threshold"),
)
def test_the_best_mask_is_a_threshold_on_the_class_probability(
    loss: Loss, threshold: Callable[[float], float]
) -> None:
    """Of 2⁶ masks, for probabilities that six kinds of pixel have in a large image."""
    probability = torch.tensor([0.9, 0.7, 0.5, 0.4, 0.2, 0.05]).double()
    masks = list(product([0.0, 1.0], repeat=6))
    values = [loss(scores([[mask]]), probability.reshape(1, 1, 6)).item() for mask in masks]
    lowest = min(values)
    best = torch.tensor(masks[values.index(lowest)])
    index = 1 - lowest
    if loss is log_cosh_dice:
        index = 1 - torch.tensor(lowest).exp().acosh().item()
    if loss is focal_tversky:
        index = 1 - lowest ** (4 / 3)
    assert torch.equal(best, (probability > threshold(index)).float())
    assert 0 < best.sum() < 6


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"exclude": [4]}, r"some of the classes 0…3, not all; got \[4\]"),
        ({"exclude": [-1]}, r"some of the classes 0…3, not all; got \[-1\]"),
        ({"exclude": [0, 1, 2, 3]}, r"not all; got \[0, 1, 2, 3\]"),
        ({"activation": "tanh"}, "activation must be one of auto, softmax, sigmoid; got tanh"),
        ({"per": "pixel"}, "per must be one of image, batch; got pixel"),
        ({"empty": "nan"}, "empty must be one of skip, zero, penalise; got nan"),
        ({"smooth": -1.0}, "smooth must be at least 0; got -1.0"),
        ({"class_weight": [1.0]}, r"class_weight needs 4 numbers, .* got \[1.0\]"),
        ({"weight": torch.ones(6, 7)}, r"weight of shape \(6, 7\) does not fit"),
    ],
    ids=["exclude", "negative", "all", "activation", "per", "empty", "smooth", "class", "weight"],
)
@every
def test_an_option_that_does_not_fit_is_an_error(
    loss: Loss, options: dict[str, object], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        loss(*pixels(), **options)


@every
def test_logits_and_targets_that_do_not_fit_are_an_error(loss: Loss) -> None:
    logits, target = pixels()
    with pytest.raises(ValueError, match=r"expected logits \[batch, channels, \*spatial\]"):
        loss(torch.zeros(3), torch.zeros(3))
    with pytest.raises(ValueError, match="softmax needs at least 2 channels: of one it is always"):
        loss(logits[:, :1], target.unsqueeze(1), activation="softmax")
    with pytest.raises(ValueError, match="need integer class indices"):
        loss(logits, target.double())
    with pytest.raises(ValueError, match=r"target.unsqueeze\(1\)"):
        loss(logits[:, :1], target)
