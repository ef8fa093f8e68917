"""Losses for regions: they compare masks as wholes, so their pixels can't be judged one by one."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from .checks import check_choice, check_indices, check_number, class_mask, paired, per_class
from .domains import Labels, Logits, Weight
from .reduction import align, at_least_fp32

Per = Literal["image", "batch"]
Empty = Literal["skip", "zero", "penalise"]

_TINY = torch.finfo(torch.float32).tiny  # keeps 0/0 at 0


def dice(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    smooth: float = 0.0,
    per: Per = "image",
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    include_background: bool = True,
) -> Tensor:
    r"""Soft dice loss: the overlap of answer and target, whatever share of the image they take.

    $$\ell_c = 1 - \frac{2\sum_i w_i p_{ic} y_{ic} + s}{\sum_i w_i p_{ic} + \sum_i w_i y_{ic} + s}
      \qquad \ell = \frac{\sum_c v_c\,\ell_c}{\sum_c v_c}$$

    over pixels $i$ and classes $c$. A class of 50 pixels counts as much as one of 50,000, which is
    why it trains on small targets where `bce` stalls. $p$ is the sigmoid where the target is
    shaped like the logits (one mask per channel), and the softmax for class indices.

    A class without a target pixel is left out of the mean over classes, and an image without any
    class out of the mean over images (see `empty`). To this end its value is 0, and the values of
    the other images are scaled by batch / present, so that the plain mean over the batch is the
    mean over the images present. In the same way an image counts with the mean weight of its
    pixels that count: a weight per sample weighs the images, a constant weight changes nothing.

    Args:
        logits: `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; 0 leaves out.
        smooth: $s \ge 0$; makes the loss of masks of fewer than about $s$ pixels gentler.
        per: `image` takes the sums over each image, `batch` over all images together.
        empty: what a class without a target pixel is worth, whatever `smooth` is: `skip` leaves it
            out, `zero` is 0, `penalise` is its mean probability, so that false positives cost.
        class_weight: $v$, one number per channel; None is 1.
        include_background: whether class 0 counts; for class indices only.

    Returns:
        $\ell$ in [0, 1] before the scaling, `[batch]`; with `per="batch"` one number, `[]`. Where
        nothing can be judged it is 0 with zero gradient.

    Raises:
        ValueError: a target, weight or class_weight of the wrong shape, or an unknown option.

    Example:
        >>> logits = torch.tensor([[[9.0, 9.0, -9.0, -9.0]]])  # finds pixels 0 and 1
        >>> dice(logits, torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]))
        tensor([0.3334])
        >>> nothing = torch.zeros(1, 1, 4)
        >>> dice(logits, nothing), dice(logits, nothing, empty="penalise")
        (tensor([0.]), tensor([0.5000]))

    References:
        Milletari et al. 2016, V-Net, section 3, without squares in the denominator. Sudre et al.
        2017, Generalised Dice Overlap, section 2.
    """
    check_choice("per", per, get_args(Per))
    check_choice("empty", empty, get_args(Empty))
    check_number("smooth", smooth, lambda s: s >= 0, "at least 0")
    if not include_background and target.shape == logits.shape:
        raise ValueError("include_background=False is for a target of class indices")
    probability, truth = _masks(logits, target)
    importance: Tensor | float = 1.0
    if weight is not None:
        weight, importance = _normalised(_pixels(align(at_least_fp32(weight), probability)), per)
    sums = _sums(_pixels(probability), _pixels(truth), weight, (2,) if per == "image" else (0, 2))

    present = sums.truth > 0
    union = torch.where(present, sums.probability + sums.truth + smooth, 1)
    values = 1 - (2 * sums.overlap + smooth) / union
    counts = present if empty == "skip" else sums.area > 0
    if empty != "skip":
        mean_probability = sums.probability / sums.area.clamp(min=_TINY)
        values = torch.where(present, values, mean_probability if empty == "penalise" else 0)

    share = counts.to(values.dtype)
    if class_weight is not None:
        share = share * per_class("class_weight", class_weight, logits.shape[1], share)
    if not include_background:
        share = share * (torch.arange(logits.shape[1], device=share.device) > 0)
    total = share.sum(-1)
    value = (share * values).sum(-1) / total.clamp(min=_TINY)
    if per == "batch":
        return value
    # An image all of whose classes are left out is left out itself.
    images = (total > 0).to(value.dtype) * importance
    return value * images * (len(images) / images.sum().clamp(min=_TINY))


def _masks(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities and target masks, `[batch, channels, *spatial]` both."""
    if target.shape == logits.shape or logits.shape[1] == 1:
        logits, target = paired(logits, target)
        return logits.sigmoid(), target
    check_indices(logits, target)
    probability = at_least_fp32(logits).softmax(1)
    return probability, class_mask(target, logits.shape[1]).to(probability.dtype)


def _pixels(x: Tensor) -> Tensor:
    """`[batch, channels, *spatial]` as `[batch, channels, pixels]`."""
    return x.flatten(2) if x.ndim > 2 else x.unsqueeze(2)


def _normalised(weight: Tensor, per: Per) -> tuple[Tensor, Tensor]:
    """The weight divided by its mean where it is not 0, of each image or of all; and that mean."""
    by_image = weight.flatten(1) if per == "image" else weight.reshape(1, -1)
    mean = by_image.sum(1) / (by_image != 0).sum(1).clamp(min=1)
    return weight / mean.clamp(min=_TINY).reshape(-1, 1, 1), mean


class _Sums(NamedTuple):
    """Weighted sums over pixels, `[batch, channels]`, or `[channels]` over the whole batch."""

    overlap: Tensor
    probability: Tensor
    truth: Tensor
    area: Tensor


def _sums(
    probability: Tensor, truth: Tensor, weight: Tensor | None, axes: tuple[int, ...]
) -> _Sums:
    if weight is None:
        sums = (probability * truth).sum(axes), probability.sum(axes), truth.sum(axes)
        return _Sums(*sums, torch.full_like(sums[0], probability.numel() // sums[0].numel()))
    inside = weight * probability
    area = weight.expand_as(probability).sum(axes)
    return _Sums((inside * truth).sum(axes), inside.sum(axes), (weight * truth).sum(axes), area)
