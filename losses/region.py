"""What the losses of overlapping masks share: the sums over pixels, and the means over what counts.

A region loss is a formula of four sums for each class, so it reads

    sums = region_sums(logits, target, weight, per=per, activation=activation)
    values = 1 - over(2 * sums.overlap, sums.probability + sums.truth)
    return mean_over_classes(values, sums, empty=empty, …)
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from .checks import check_choice, check_indices, class_mask, paired, per_class
from .reduction import align, at_least_fp32

Per = Literal["image", "batch"]
Empty = Literal["skip", "zero", "penalise"]
Activation = Literal["auto", "softmax", "sigmoid"]

_TINY = torch.finfo(torch.float32).tiny


class Sums(NamedTuple):
    """Weighted sums over pixels, `[batch, channels]`, or `[channels]` over the whole batch.

    The weights are divided by their mean where they are not 0, so the sums are in pixels whatever
    the weights' scale is. `importance` is that mean, one number for each image: how much it counts.
    """

    overlap: Tensor
    probability: Tensor
    truth: Tensor
    area: Tensor
    importance: Tensor | float

    @property
    def per_image(self) -> bool:
        """Whether each image has sums of its own."""
        return self.truth.ndim == 2


def region_sums(
    logits: Tensor, target: Tensor, weight: Tensor | None, *, per: str, activation: str
) -> Sums:
    """The sums of $w p y$, $w p$, $w y$ and $w$ over the pixels of each image, or of all.

    Raises:
        ValueError: shapes that do not belong together, or an unknown or impossible option.
    """
    check_choice("per", per, get_args(Per))
    check_choice("activation", activation, get_args(Activation))
    if logits.ndim < 2:
        raise ValueError(
            f"expected logits [batch, channels, *spatial], got shape {tuple(logits.shape)}"
        )
    channels = logits.shape[1]
    if activation == "softmax" and channels == 1:
        raise ValueError(
            "activation=softmax needs at least 2 channels: of one it is always 1; use sigmoid"
        )
    indices = target.shape != logits.shape and channels > 1
    if indices:
        check_indices(logits, target)
        scores, truth = at_least_fp32(logits), target.long().unsqueeze(1)
    else:
        scores, truth = paired(logits, target)
    importance: Tensor | float = 1.0
    if weight is not None:
        weight = weight.to(torch.promote_types(weight.dtype, scores.dtype))
        weight, importance = _normalised(_pixels(align(weight, logits)), per)
    scores, truth = _pixels(scores), _pixels(truth)
    softmax = activation == "softmax" or (indices and activation == "auto")
    probability = scores.softmax(1) if softmax else scores.sigmoid()

    sums = (_sums_of_indices if indices else _sums_of_masks)(probability, truth, weight)
    overlap, inside, true, area = sums if per == "image" else (x.sum(0) for x in sums)
    return Sums(overlap, inside, true, area, importance)


def over(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Their ratio; the numerator itself where the denominator is 0, so gradients stay finite."""
    return numerator / torch.where(denominator > _TINY, denominator, 1)


def fill_empty(values: Tensor, sums: Sums, empty: str) -> Tensor:
    """The values, with a class without a target pixel at 0, or at its mean probability.

    Raises:
        ValueError: an unknown `empty`.
    """
    check_choice("empty", empty, get_args(Empty))
    instead = over(sums.probability, sums.area) if empty == "penalise" else 0
    return torch.where(sums.truth > 0, values, instead)


def class_shares(
    sums: Sums, class_weight: Sequence[float] | None, exclude: Sequence[int] | None
) -> Tensor:
    """How much each class counts in a mean over classes, `[channels]`.

    Raises:
        ValueError: another number of weights than classes, or an `exclude` that names no class, or
            all of them.
    """
    classes = sums.truth.shape[-1]
    shares = sums.truth.new_ones(classes)
    if class_weight is not None:
        shares = per_class("class_weight", class_weight, classes, shares)
    if exclude is None:
        return shares
    if not all(c in range(classes) for c in exclude) or len(set(exclude)) >= classes:
        raise ValueError(
            f"exclude must name some of the classes 0…{classes - 1}, not all; got {list(exclude)}"
        )
    return shares * torch.tensor([c not in exclude for c in range(classes)], device=shares.device)


def mean_over_classes(
    values: Tensor,
    sums: Sums,
    *,
    empty: str,
    class_weight: Sequence[float] | None,
    exclude: Sequence[int] | None,
    judged: Tensor | None = None,
) -> Tensor:
    """The weighted mean over the classes that count, `[batch]`, or `[]` over the whole batch.

    Args:
        values: finite everywhere, also for a class without a target pixel.
        sums: what they were made of.
        empty: with `skip`, a class that can't be judged does not count.
        class_weight: one number per class; None is 1.
        exclude: classes that never count.
        judged: where a class can be judged; None is where it has a target pixel.
    """
    judged = sums.truth > 0 if judged is None else judged
    counts = judged if empty == "skip" else sums.area > 0
    shares = class_shares(sums, class_weight, exclude) * counts
    total = shares.sum(-1)
    return mean_over_images(over((shares * values).sum(-1), total), sums, total > 0)


def mean_over_images(values: Tensor, sums: Sums, counts: Tensor) -> Tensor:
    """The values, scaled so that their plain mean is the weighted mean over images that count."""
    if not sums.per_image:
        return torch.where(counts, values, 0)
    images = counts.to(values.dtype) * sums.importance
    total = images.sum()
    return values * images * (len(images) / torch.where(total > 0, total, 1))


def _pixels(x: Tensor) -> Tensor:
    """`[batch, channels, *spatial]` as `[batch, channels, pixels]`."""
    return x.flatten(2) if x.ndim > 2 else x.unsqueeze(2)


def _normalised(weight: Tensor, per: str) -> tuple[Tensor, Tensor]:
    """The weight divided by its mean where it is not 0, of each image or of all; and that mean."""
    by_image = weight.flatten(1) if per == "image" else weight.reshape(1, -1)
    mean = by_image.sum(1) / (by_image != 0).sum(1).clamp(min=1)
    return weight / mean.clamp(min=_TINY).reshape(-1, 1, 1), mean


def _sums_of_masks(
    probability: Tensor, truth: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if weight is None:
        sums = (probability * truth).sum(2), probability.sum(2), truth.sum(2)
        return *sums, torch.full_like(sums[2], probability.shape[2])
    inside, area = weight * probability, weight.expand_as(probability).sum(2)
    return (inside * truth).sum(2), inside.sum(2), (weight * truth).sum(2), area


def _sums_of_indices(
    probability: Tensor, index: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The sums for class indices `[batch, 1, pixels]`, without a mask of classes × pixels.

    The probability of the true class is gathered and added to its class's sum; as the gathered
    sums are small, only the probabilities are kept for the gradient.
    """
    inside = probability if weight is None else weight * probability
    total = inside.sum(2)
    if torch.compiler.is_compiling():  # there a mask costs nothing: it is fused into the sums
        mask = class_mask(index.squeeze(1), probability.shape[1])
        ones = total.new_ones(()) if weight is None else weight
        overlap = torch.where(mask, inside, 0).sum(2)
        truth = torch.where(mask, ones, 0).sum(2)
    else:
        true, nothing = probability.gather(1, index).squeeze(1), torch.zeros_like(total)
        ones = total.new_ones(()) if weight is None else _at_truth(weight, index)
        inside_true = true if weight is None else true * ones
        overlap = nothing.scatter_add(1, index.squeeze(1), inside_true)
        truth = nothing.scatter_add(1, index.squeeze(1), ones.expand_as(true))
    if weight is not None and weight.shape[1] > 1:
        return overlap, total, truth, weight.sum(2)
    # The classes' pixels together are all pixels: exactly, where one class has them all.
    return overlap, total, truth, truth.sum(1, keepdim=True).expand_as(truth)


def _at_truth(weight: Tensor, index: Tensor) -> Tensor:
    """The weight of each pixel's true class, `[batch, pixels]`."""
    return (weight if weight.shape[1] == 1 else weight.gather(1, index)).squeeze(1)
