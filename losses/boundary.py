"""Losses of how far a wrong pixel lies from the boundary of its mask."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .checks import check_number
from .distance import check_spacing, distance_to
from .domains import Labels, Logits, Weight
from .masks import Masks, class_masks
from .region import Activation, Empty, fill_empty, mean_over_classes, over


def boundary(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    spacing: Sequence[float] | None = None,
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    exclude: Sequence[int] | None = None,
    activation: Activation = "auto",
) -> Tensor:
    r"""Boundary loss: an error costs its distance from the target's boundary, not its pixel.

    $$\ell_c = \frac{\sum_i w_i\,\varphi_{ic}\,p_{ic}}{\sum_i w_i} \qquad
      \varphi_{ic} = \begin{cases} d_{ic} & y_{ic} = 0 \\ -(d_{ic} - h) & y_{ic} = 1 \end{cases}$$

    for pixels $i$ and classes $c$, with $d$ the distance to the nearest pixel on the other side of
    the target's boundary and $h$ the smallest `spacing`, so that the mask's outermost pixels are
    at 0. The value is lowest where $p$ is the target, and negative there if the mask has more than
    a rim.

    Estimates:
        The mask itself: the loss is linear in $p$, so its minimiser says 0 or 1 with full
        confidence and is no probability.
    Gradient:
        $\varphi\,p(1-p)$ for a sigmoid: every pixel is pushed to its side, harder the farther out
        it lies. It fades where an answer is confidently wrong, and is 0 on the mask's rim.
    Use:
        Beside a region loss, `loss=dice+boundary`, with a small weight that rises with time: it
        moves an outline that is nearly right.
    Avoid:
        Alone: answers of 0 everywhere are then nearly a minimum, since the many pixels outside
        outvote the mask.
    Relatives:
        hausdorff_dt: distances of both boundaries, squared errors, never negative.
        dice: the overlap that it is added to.

    Args:
        logits: $z$ of $p$, `[batch, channels, *spatial]`.
        target: shaped like the logits, a mask where it is above 1/2; or class indices
            `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; pixels of weight
            0 belong to neither side.
        spacing: the distance between neighbours along each spatial axis; None is 1 pixel.
        empty: what a class without a target pixel is worth: `skip` leaves it out, `zero` is 0,
            `penalise` is its mean probability.
        class_weight: one number per channel in the mean over classes; None is 1.
        exclude: classes that never count, as [0] for the background; None excludes none.
        activation: of the logits; `auto` is `softmax` for class indices, else `sigmoid`.

    Returns:
        The weighted mean of $\ell_c$ over classes, `[batch]`, in units of the spacing, scaled so
        that its plain mean is the mean over the images that count (see `dice`). A class without a
        boundary, in no pixel or in all, is left out.

    Raises:
        ValueError: a target, weight, spacing or class_weight of the wrong shape, or an unknown
            option.

    Example:
        >>> target = torch.tensor([[[0.0, 0.0, 1.0, 1.0, 0.0]]])
        >>> boundary(torch.tensor([[[9.0, -9.0, 9.0, 9.0, -9.0]]]), target)  # one far off
        tensor([0.4000])
        >>> boundary(torch.tensor([[[-9.0, 9.0, 9.0, 9.0, -9.0]]]), target)  # one close by
        tensor([0.2000])

    References:
        Kervadec et al. 2019, Boundary Loss for Highly Unbalanced Segmentation.
    """
    steps = check_spacing(spacing, logits.ndim - 2)
    masks = class_masks(logits, target, weight, per="image", activation=activation)
    sides = torch.stack([masks.truth > 0.5, masks.truth <= 0.5])
    outside, inside = _distances(sides, masks, steps)
    level = torch.where(sides[0], min(steps) - inside, outside)
    values = over(masks.total(level * masks.probability), masks.sums.area)
    some, others = (_counted(side, masks).flatten(2).any(2) for side in sides)
    sums = masks.sums._replace(truth=some.to(values.dtype))
    return mean_over_classes(
        fill_empty(values, sums, empty),
        sums,
        empty=empty,
        class_weight=class_weight,
        exclude=exclude,
        judged=some & others,
    )


def hausdorff_dt(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    alpha: float = 2.0,
    spacing: Sequence[float] | None = None,
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    exclude: Sequence[int] | None = None,
    activation: Activation = "auto",
) -> Tensor:
    r"""Hausdorff loss: errors far from either boundary cost most, as in the Hausdorff distance.

    $$\ell_c = \frac{\sum_i w_i\,(p_{ic} - y_{ic})^2\,(d_{ic}^\alpha + \hat d_{ic}^\alpha)}
      {\sum_i w_i}$$

    for pixels $i$ and classes $c$, with $d$ the distance of a pixel from the other side of the
    target's boundary, and $\hat d$ the same for the answer, the mask of $p > 1/2$. The maximum
    that the Hausdorff distance takes is smoothed into a mean, which $\alpha$ sharpens.

    Estimates:
        The mask, or with soft targets their mean, as `mse` of probabilities does; far from the
        boundaries with more weight.
    Gradient:
        $2\,(p-y)\,(d^\alpha + \hat d^\alpha)\,p(1-p)$ for a sigmoid, which fades where an answer
        is confidently wrong. The answer's distances $\hat d$ carry no gradient: they come from a
        threshold, and jump where the answer crosses 1/2.
    Use:
        Beside a region loss, with a small weight, to lose the last far outliers.
    Avoid:
        From the first step of training, when every far pixel is wrong; on large volumes, since the
        answer's distances are computed anew in each step.
    Relatives:
        boundary: linear in the answer, with distances of the target alone.
        dice: the overlap that it is added to.

    Args:
        logits: $z$ of $p$, `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, with its boundary at 1/2; or class
            indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; pixels of weight
            0 belong to neither side.
        alpha: $\alpha > 0$, how much more a far error costs.
        spacing: the distance between neighbours along each spatial axis; None is 1 pixel.
        empty: what a class without a target pixel is worth: `skip` leaves it out, `zero` is 0,
            `penalise` is its mean probability.
        class_weight: one number per channel in the mean over classes; None is 1.
        exclude: classes that never count, as [0] for the background; None excludes none.
        activation: of the logits; `auto` is `softmax` for class indices, else `sigmoid`.

    Returns:
        The weighted mean of $\ell_c \ge 0$ over classes, `[batch]`, in units of the spacing to the
        power $\alpha$, scaled so that its plain mean is the mean over the images that count (see
        `dice`). A mask without a boundary, in no pixel or in all, has the distance 0.

    Raises:
        ValueError: a target, weight, spacing or class_weight of the wrong shape, or an option
            outside its range.

    Example:
        >>> target = torch.tensor([[[0.0, 0.0, 0.0, 1.0, 1.0]]])
        >>> hausdorff_dt(torch.tensor([[[9.0, -9.0, -9.0, 9.0, 9.0]]]), target)  # one far off
        tensor([1.9995])
        >>> hausdorff_dt(torch.tensor([[[-9.0, -9.0, 9.0, 9.0, 9.0]]]), target)  # one close by
        tensor([0.3999])

    References:
        Karimi & Salcudean 2019, Reducing the Hausdorff Distance in Medical Image Segmentation with
        Convolutional Neural Networks, the loss from distance transforms.
    """
    check_number("alpha", alpha, lambda a: a > 0, "positive")
    steps = check_spacing(spacing, logits.ndim - 2)
    masks = class_masks(logits, target, weight, per="image", activation=activation)
    both = torch.stack([masks.truth > 0.5, masks.probability > 0.5])
    to_mask, to_rest = _distances(torch.stack([both, ~both]), masks, steps)
    cost = (torch.where(both, to_rest, to_mask) ** alpha).sum(0)
    errors = (masks.probability - masks.truth).square()
    values = over(masks.total(errors * cost), masks.sums.area)
    return mean_over_classes(
        fill_empty(values, masks.sums, empty),
        masks.sums,
        empty=empty,
        class_weight=class_weight,
        exclude=exclude,
    )


def _counted(side: Tensor, masks: Masks) -> Tensor:
    return side if masks.counted is None else side & masks.counted


def _distances(sides: Tensor, masks: Masks, spacing: Sequence[float]) -> Tensor:
    """From the nearest pixel that counts of each side; 0 where there is none."""
    distances = distance_to(_counted(sides, masks), spacing, masks.probability.dtype)
    return distances.masked_fill(distances.isinf(), 0)
