"""The Lovász extension of the Jaccard loss: a loss of masks, carried over to real answers."""

from collections.abc import Sequence
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_choice, class_mask, paired
from .domains import HardLabels, Logits, Weight
from .reduction import align, at_least_fp32
from .region import Empty, Per, mean_over_classes, over, region_sums


def lovasz(
    logits: Logits,
    target: HardLabels,
    weight: Weight | None = None,
    *,
    per: Per = "image",
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    exclude: Sequence[int] | None = None,
) -> Tensor:
    r"""Lovász loss: lowers the Jaccard loss itself, by ranking the pixels by how wrong they are.

    $$\ell_c = \sum_k e_{(k)}\, g_k \qquad
      g_k = \frac{w_k}{U_k}\left(y_k + (1 - y_k)\,\frac{I_k}{U_k - w_k}\right)$$

    over the pixels of class $c$ from the largest error $e_{(1)}$ on. $g_k$ is what the Jaccard
    loss grows by when pixel $k$ is wrong too: $U_k$ is the union and $I_k$ the intersection after
    the first $k$ pixels are all answered wrongly. The error is the hinge $\max(0, 1 - (2y-1)z)$
    where the target is shaped like the logits, and $|y - p|$ with the softmax $p$ for class
    indices. At errors of 0 and 1 the loss is $1 - \text{IoU}$; between them it is the tightest
    convex bridge, in the errors.

    Estimates:
        Masks of the best Jaccard index: the hinge form is a margin classifier whose score at 0
        parts the classes; neither form gives calibrated probabilities.
    Gradient:
        $g_k$ times that of the error. Hinge: $\mp g_k$, bounded, zero beyond the margin, never zero
        for a miss. Softmax: $g_k\,p(1-p)$ towards its own logit, which fades where an answer is
        confidently wrong. A false positive has none while every target pixel has a larger error.
    Use:
        Where the metric is the IoU; after or beside `bce` or `cross_entropy`, which start faster.
    Avoid:
        Soft targets, for which a Jaccard index of sets has no meaning; and answers that are read
        as probabilities.
    Relatives:
        jaccard: the same index of sums of probabilities; equal on answers of 0 and 1.
        hinge: the same error of each pixel, without the ranking.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: $y$, 0 and 1 and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; 0 leaves out.
        per: `image` ranks the pixels of each image, `batch` those of all images together.
        empty: what a class without a target pixel is worth: `skip` leaves it out, `zero` is 0,
            `penalise` is its largest error, which is the definition's own value.
        class_weight: one number per channel in the mean over classes; None is 1.
        exclude: classes that never count, as [0] for the background; None excludes none.

    Returns:
        The weighted mean of $\ell_c$ over classes, `[batch]`, scaled so that its plain mean is the
        mean over the images that count (see `dice`); with `per="batch"` one number, `[]`.

    Raises:
        ValueError: a target, weight or class_weight of the wrong shape, or an unknown option.

    Example:
        >>> logits = torch.tensor([[[2.0, 0.5, -1.0, -2.0]]])  # finds pixels 0 and 1
        >>> lovasz(logits, torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]))
        tensor([0.7500])
        >>> lovasz(logits, torch.tensor([[[1.0, 1.0, 0.0, 0.0]]]))
        tensor([0.2500])

    References:
        Berman et al. 2018, The Lovász-Softmax Loss, algorithm 1. Yu & Blaschko 2015, Learning
        Submodular Losses with the Lovász Hinge.
    """
    check_choice("empty", empty, get_args(Empty))
    sums = region_sums(logits, target, weight, per=per, activation="auto")
    if target.shape == logits.shape or logits.shape[1] == 1:
        scores, truth = paired(logits, target)
        errors, truth = F.relu(1 - (2 * truth - 1) * scores), truth > 0.5
    else:
        truth = class_mask(target, logits.shape[1])
        probability = at_least_fp32(logits).softmax(1)
        errors = torch.where(truth, 1 - probability, probability)
    if weight is not None:
        weight = align(at_least_fp32(weight), logits).expand_as(errors)
        errors = torch.where(weight != 0, errors, 0)
        weight = _in_rows(weight, per)
    values, largest = _extension(_in_rows(errors, per), _in_rows(truth, per), weight)
    values = torch.where(sums.truth > 0, values, largest if empty == "penalise" else 0)
    return mean_over_classes(values, sums, empty=empty, class_weight=class_weight, exclude=exclude)


def _in_rows(x: Tensor, per: str) -> Tensor:
    """The pixels that are ranked together as the last axis, after `[batch, channels]`."""
    return x.flatten(2) if per == "image" else x.transpose(0, 1).flatten(1)


def _extension(errors: Tensor, truth: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """The Lovász extension of the Jaccard loss along the last axis, and the largest error."""
    errors, order = errors.sort(-1, descending=True)
    one = torch.ones_like(errors) if weight is None else weight.gather(-1, order)
    ours = torch.where(truth.gather(-1, order), one, 0)
    total = ours.sum(-1, keepdim=True)
    intersection = total - ours.cumsum(-1)
    union = total + (one - ours).cumsum(-1)
    # The step of 1 − I/U in closed form: a difference would be of numbers that are nearly equal.
    others = over((one - ours) * intersection, union - (one - ours))
    return (errors * over(ours + others, union)).sum(-1), errors[..., 0]
