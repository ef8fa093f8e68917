"""Dice of skeletons, for tubes and nets whose connections matter more than their width."""

from collections.abc import Sequence
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_number
from .domains import Labels, Logits, Weight
from .masks import class_masks
from .region import Activation, Empty, Per, fill_empty, mean_over_classes, over

_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def cl_dice(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    alpha: float = 0.5,
    iterations: int = 3,
    smooth: float = 1.0,
    per: Per = "image",
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    exclude: Sequence[int] | None = None,
    activation: Activation = "auto",
) -> Tensor:
    r"""Centreline dice loss: gaps in a thin structure cost, its width hardly does.

    $$\ell_c = (1-\alpha)\,\ell_{\text{dice}} + \alpha\left(1 - \frac{2\,T_p\,T_s}{T_p + T_s}\right)
      \qquad T_p = \frac{\sum_i w_i\,S(p)_i\,y_i + s}{\sum_i w_i\,S(p)_i + s}
      \qquad T_s = \frac{\sum_i w_i\,S(y)_i\,p_i + s}{\sum_i w_i\,S(y)_i + s}$$

    over pixels $i$ of one class, with the soft skeleton $S$: what an opening removes, gathered over
    `iterations` erosions. $T_p$ asks whether the answer's skeleton lies in the target, $T_s$
    whether the target's skeleton is covered by the answer.

    Estimates:
        A mask with the target's connections, no probability; of its width the skeletons say
        little, which is what the share of dice is for.
    Gradient:
        Through $T_s$ every pixel of the target's skeleton is pulled up; through $T_p$ the pixels
        that the erosions of the answer selected. Times $p(1-p)$, so it fades where an answer is
        confidently wrong, and with $s=0$ it vanishes where an answer misses the mask entirely.
    Use:
        Vessels, roads, cracks, neurites. Let `iterations` reach the largest radius in pixels;
        `exclude=[0]` where class 0 is background, whose skeleton means nothing.
    Avoid:
        Compact objects, and thick ones: what is wider than twice `iterations` has hardly a
        skeleton.
    Relatives:
        dice: this with alpha=0.

    Args:
        logits: $z$ of $p$, `[batch, channels, *spatial]`, one to three spatial axes.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; pixels of weight
            0 are neither eroded from nor counted.
        alpha: $\alpha$ in [0, 1], the share of skeletons; 1 is they alone.
        iterations: erosions, at least 1; the skeleton of a tube of this radius is complete.
        smooth: $s \ge 0$ pixels, in dice too; keeps the ratios where a skeleton is empty.
        per: `image` takes the sums over each image, `batch` over all images together.
        empty: what a class without a target pixel is worth: `skip` leaves it out, `zero` is
            0, `penalise` is its mean probability, so that false positives cost.
        class_weight: one number per channel in the mean over classes; None is 1.
        exclude: classes that never count, as [0] for the background; None excludes none.
        activation: of the logits; `auto` is `softmax` for class indices, else `sigmoid`.

    Returns:
        The weighted mean of $\ell_c$ over classes, `[batch]`, scaled so that its plain mean is the
        mean over the images that count (see `dice`); with `per="batch"` one number, `[]`.

    Raises:
        ValueError: shapes that do not belong together, no spatial axis or more than three, or an
            option outside its range.

    Example:
        >>> line = torch.tensor([[[[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]]]).float()
        >>> gap = line.index_fill(3, torch.tensor([2]), 0)
        >>> wide = torch.ones_like(line)
        >>> [cl_dice(20 * p - 10, line, alpha=1.0).round(decimals=4) for p in (gap, wide)]
        [tensor([0.0909]), tensor([0.])]

    References:
        Shit et al. 2021, clDice: a Novel Topology-Preserving Loss Function for Tubular Structure
        Segmentation, algorithms 1 and 2.
    """
    check_number("alpha", alpha, lambda a: 0 <= a <= 1, "in [0, 1]")
    check_number("smooth", smooth, lambda s: s >= 0, "at least 0")
    if not isinstance(iterations, int) or iterations < 1:
        raise ValueError(f"iterations must be a whole number, at least 1; got {iterations}")
    if logits.ndim - 2 not in _POOL:
        raise ValueError(
            f"cl_dice needs one to three spatial axes; got logits of shape {tuple(logits.shape)}"
        )
    masks = class_masks(logits, target, weight, per=per, activation=activation)
    sums, p, y = masks.sums, masks.probability, masks.truth
    of_p, of_y = (soft_skeleton(x, masks.counted, iterations) for x in (p, y))
    precision = over(masks.total(of_p * y) + smooth, masks.total(of_p) + smooth)
    sensitivity = over(masks.total(of_y * p) + smooth, masks.total(of_y) + smooth)
    of_skeletons = 1 - over(2 * precision * sensitivity, precision + sensitivity)
    whole = 1 - over(2 * sums.overlap + smooth, sums.probability + sums.truth + smooth)
    values = whole + alpha * (of_skeletons - whole)
    return mean_over_classes(
        fill_empty(values, sums, empty),
        sums,
        empty=empty,
        class_weight=class_weight,
        exclude=exclude,
    )


def soft_skeleton(x: Tensor, counted: Tensor | None, iterations: int) -> Tensor:
    """The skeleton of masks with values in [0, 1], `[batch, channels, *spatial]`.

    Minima over a pixel and its neighbours along each axis erode, maxima over the whole block
    around it widen. What an erosion and a widening do not bring back is skeleton.

    Args:
        x: the masks.
        counted: pixels that are there at all, bool, broadcasting over `x`; None is all.
        iterations: erosions.
    """
    skeleton = torch.zeros_like(x)
    for _ in range(iterations + 1):
        eroded = _eroded(x, counted)
        skeleton = skeleton + (1 - skeleton) * F.relu(x - _widened(eroded, counted))
        x = eroded
    return skeleton


# A pixel that is not there is filled with what changes no minimum, 1, or no maximum, 0.


def _eroded(x: Tensor, counted: Tensor | None) -> Tensor:
    axes = x.ndim - 2
    x = -(x if counted is None else torch.where(counted, x, 1))
    along = []
    for axis in range(axes):
        size = [3 if a == axis else 1 for a in range(axes)]
        along.append(_POOL[axes](x, size, 1, [s // 2 for s in size]))
    return -reduce(torch.maximum, along)


def _widened(x: Tensor, counted: Tensor | None) -> Tensor:
    x = x if counted is None else torch.where(counted, x, 0)
    return _POOL[x.ndim - 2](x, 3, 1, 1)
