"""The masks behind a region loss, for those that look at more of them than their sums."""

from typing import NamedTuple

from torch import Tensor, as_tensor

from .checks import class_mask, paired
from .reduction import align, at_least_fp32
from .region import Sums, over, region_sums


class Masks(NamedTuple):
    """Answer and target of each class, pixel by pixel, `[batch, channels, *spatial]`.

    The weight broadcasts over them and is 1 on average, where it is not 0; None is 1. The sums are
    those of `region_sums`.
    """

    probability: Tensor
    truth: Tensor
    weight: Tensor | None
    sums: Sums

    @property
    def counted(self) -> Tensor | None:
        """Where the weight is not 0; None is everywhere."""
        return None if self.weight is None else self.weight != 0

    def total(self, values: Tensor) -> Tensor:
        """The weighted sum over pixels, `[batch, channels]`, or `[channels]` over all images."""
        weighted = values if self.weight is None else self.weight * values
        return weighted.flatten(2).sum((2,) if self.sums.per_image else (0, 2))


def class_masks(
    logits: Tensor, target: Tensor, weight: Tensor | None, *, per: str, activation: str
) -> Masks:
    """The masks of a region loss's arguments.

    Raises:
        ValueError: see `region_sums`.
    """
    sums = region_sums(logits, target, weight, per=per, activation=activation)
    if weight is not None:
        weight = align(at_least_fp32(weight), logits)
        weight = over(weight, as_tensor(sums.importance).reshape(-1, *[1] * (weight.ndim - 1)))
    indices = target.shape != logits.shape and logits.shape[1] > 1
    if indices:
        scores = at_least_fp32(logits)
        truth = class_mask(target, logits.shape[1]).to(scores.dtype)
    else:
        scores, truth = paired(logits, target)
    softmax = activation == "softmax" or (indices and activation == "auto")
    return Masks(scores.softmax(1) if softmax else scores.sigmoid(), truth, weight, sums)
