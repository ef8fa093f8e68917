"""Dice losses: one minus twice the overlap over the sum of both masks, and what is made of it."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from .checks import check_choice, check_number
from .domains import Labels, Logits, Weight
from .region import (
    Activation,
    Empty,
    Per,
    Sums,
    class_shares,
    fill_empty,
    mean_over_classes,
    mean_over_images,
    over,
    region_sums,
)

ClassVolume = Literal["square", "simple", "uniform"]


def dice(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    smooth: float = 0.0,
    per: Per = "image",
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    exclude: Sequence[int] | None = None,
    activation: Activation = "auto",
) -> Tensor:
    r"""Soft dice loss: the overlap of answer and target, whatever share of the image they take.

    $$\ell_c = 1 - \frac{2\sum_i w_i p_{ic} y_{ic} + s}{\sum_i w_i p_{ic} + \sum_i w_i y_{ic} + s}
      \qquad \ell = \frac{\sum_c v_c\,\ell_c}{\sum_c v_c}$$

    over pixels $i$ and classes $c$, with $p$ the sigmoid or softmax of the logits $z$. A class of
    50 pixels counts as much as one of 50,000.

    A class without a target pixel is left out of the mean over classes, and an image without any
    class out of the mean over images (see `empty`). To this end its value is 0, and the values of
    the other images are scaled by batch / present, so that the plain mean over the batch is the
    mean over the images present. In the same way an image counts with the mean weight of its
    pixels that count: a weight per sample weighs the images, a constant weight changes nothing.

    Estimates:
        A mask, not a probability: $p=1$ where class $c$ is likelier than $D_c/2$, else 0, with
        $D_c$ the dice reached; so below a half, and lower the harder the task.
    Gradient:
        $\partial\ell_c/\partial p_{ic} = -w_i\,(2y_{ic} - D_c)/(\sum_i w_i(p_{ic}+y_{ic}) + s)$
        with $D_c = 1-\ell_c$; bounded, but times $p(1-p)$ towards the logits, so a pixel that is
        wrong with full confidence has none.
    Use:
        For small targets, where `bce` stalls, and where overlap is what will be judged.
    Avoid:
        Where calibrated probabilities are needed, or a start that is confidently wrong must be
        unlearned: add `bce` or `cross_entropy`.
    Relatives:
        tversky: with alpha=beta=0.5 and half the smooth it is this.
        jaccard: $J = D/(2-D)$, so both rank masks alike.
        generalized_dice: one ratio for all classes instead of a mean of ratios.
        log_cosh_dice: this with a slower end.

    Args:
        logits: $z$, shape `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; 0 leaves out.
        smooth: $s \ge 0$ pixels; makes the loss of masks smaller than that gentler.
        per: `image` takes the sums over each image, `batch` over all images together.
        empty: what a class without a target pixel is worth: `skip` leaves it out, `zero` is
            0, `penalise` is its mean probability, so that false positives cost.
        class_weight: $v$, one number per channel; None is 1.
        exclude: classes that do not count, as [0] for the background; None excludes none.
        activation: of the logits; `auto` is `softmax` for class indices, else `sigmoid`.

    Returns:
        $\ell$ in [0, 1] before the scaling for images left out, `[batch]`; with `per="batch"` one
        number, `[]`. Where nothing can be judged it is 0 with zero gradient.

    Raises:
        ValueError: shapes that do not belong together, or an option outside its range.

    Example:
        >>> logits = torch.tensor([[[9.0, 9.0, -9.0, -9.0]]])  # finds pixels 0 and 1
        >>> dice(logits, torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]))
        tensor([0.3334])
        >>> nothing = torch.zeros(1, 1, 4)
        >>> dice(logits, nothing), dice(logits, nothing, empty="penalise")
        (tensor([0.]), tensor([0.5000]))

    References:
        Milletari et al. 2016, V-Net, section 3, without squares in the denominator.
    """
    check_number("smooth", smooth, lambda s: s >= 0, "at least 0")
    sums = region_sums(logits, target, weight, per=per, activation=activation)
    values = fill_empty(_one_minus_dice(sums, smooth), sums, empty)
    return mean_over_classes(values, sums, empty=empty, class_weight=class_weight, exclude=exclude)


def generalized_dice(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    volume: ClassVolume = "square",
    smooth: float = 0.0,
    per: Per = "image",
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    exclude: Sequence[int] | None = None,
    activation: Activation = "auto",
) -> Tensor:
    r"""Generalised dice loss: one dice over all classes, the small ones raised to the large ones.

    $$\ell = 1 - \frac{2\sum_c u_c \sum_i w_i p_{ic} y_{ic} + s}
      {\sum_c u_c \left(\sum_i w_i p_{ic} + \sum_i w_i y_{ic}\right) + s}
      \qquad u_c \propto \frac{v_c}{\left(\sum_i w_i y_{ic}\right)^2}$$

    over pixels $i$ and classes $c$, with $p$ the softmax or sigmoid of the logits $z$, and $u$
    scaled to $\sum_c u_c = 1$. A pixel of a class that fills the image hardly counts beside one
    of a small class. With one channel this is `dice`; the paper's two classes are two channels.

    Estimates:
        A mask, not a probability: class $c$ where it is likelier than $D/2$ (one sigmoid per
        channel), $D$ the dice reached over all classes, as for `dice`.
    Gradient:
        $\partial\ell/\partial p_{ic} = -u_c w_i\,(2y_{ic} - D)/(\text{denominator})$; a class's
        share is set by its size in the target alone, not by how well it is answered. Times
        $p(1-p)$ towards the logits, so a pixel wrong with full confidence has none.
    Use:
        For classes of very different size that should be learned in one ratio.
    Avoid:
        Where a class may have a handful of pixels: with `volume=square` they outweigh the rest.
    Relatives:
        dice: the mean of one ratio per class; the same with one channel.

    Args:
        logits: $z$, shape `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; 0 leaves out.
        volume: what a class's weight is one over: the `square` of its pixels, their `simple`
            number, or `uniform`, 1 for every class.
        smooth: $s \ge 0$ pixels, as in `dice`.
        per: `image` takes the sums over each image, `batch` over all images together.
        empty: a class without a target pixel is left out of the sums; with `penalise` it has the
            largest weight, so that false positives cost. An image without any class is left out
            of the mean (`skip`), is worth 0 (`zero`) or its mean probability (`penalise`).
        class_weight: $v$, one number per channel; None is 1.
        exclude: classes that do not count, as [0] for the background; None excludes none.
        activation: of the logits; `auto` is `softmax` for class indices, else `sigmoid`.

    Returns:
        $\ell$ in [0, 1] before the scaling for images left out, `[batch]`; with `per="batch"` one
        number, `[]`. Where nothing can be judged it is 0 with zero gradient.

    Raises:
        ValueError: shapes that do not belong together, or an option outside its range.

    Example:
        >>> logits = torch.tensor([[[9.0, 9.0, 9.0, -9.0], [-9.0, -9.0, -9.0, 9.0]]])
        >>> target = torch.tensor([[0, 0, 1, 1]])
        >>> generalized_dice(logits, target), dice(logits, target)
        (tensor([0.2500]), tensor([0.2667]))

    References:
        Sudre et al. 2017, Generalised Dice Overlap as a Deep Learning Loss Function for Highly
        Unbalanced Segmentations, section 2.
    """
    check_choice("volume", volume, get_args(ClassVolume))
    check_choice("empty", empty, get_args(Empty))
    check_number("smooth", smooth, lambda s: s >= 0, "at least 0")
    sums = region_sums(logits, target, weight, per=per, activation=activation)
    shares = class_shares(sums, class_weight, exclude)
    present = (sums.truth > 0) & (shares > 0)
    judged = present.any(-1)
    # u is taken from the smallest class, in (0, 1], so its square neither over- nor underflows.
    sizes = torch.where(present, sums.truth, torch.inf)
    smallest = torch.where(judged, sizes.amin(-1), 1).unsqueeze(-1)
    relative = (smallest / sizes) ** {"square": 2, "simple": 1, "uniform": 0}[volume]
    u = shares * torch.where(present, relative, 1 if empty == "penalise" else 0)
    u = over(u, u.sum(-1, keepdim=True))

    both = (u * (sums.probability + sums.truth)).sum(-1)
    values = 1 - over(2 * (u * sums.overlap).sum(-1) + smooth, both + smooth)
    if empty == "penalise":
        instead = over((shares * sums.probability).sum(-1), (shares * sums.area).sum(-1))
    else:
        instead = torch.zeros_like(values)
    counts = judged if empty == "skip" else (shares * sums.area).sum(-1) > 0
    return mean_over_images(torch.where(judged, values, instead), sums, counts)


def log_cosh_dice(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    smooth: float = 0.0,
    per: Per = "image",
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    exclude: Sequence[int] | None = None,
    activation: Activation = "auto",
) -> Tensor:
    r"""Log-cosh of the dice loss: dice whose pull fades as the masks come to agree.

    $$\ell_c = \log\cosh d_c \qquad \ell = \frac{\sum_c v_c\,\ell_c}{\sum_c v_c}$$

    with $d_c$ the loss of one class in `dice`, from logits $z$, target $y$, weights $w$ and
    `smooth` $s$. Classes and images without a target are left out as there.

    Estimates:
        The same mask as `dice`, one image and class at a time; over many, those that are
        answered badly count for more.
    Gradient:
        That of `dice` times $\tanh d_c$: about $d_c$ itself, so at most 0.76 of it, and towards 0
        as $d_c$ does.
    Use:
        Where `dice` keeps jumping at the end, or single images should not be given up.
    Avoid:
        Where the last percent matters: there is little gradient left for it.
    Relatives:
        dice: $d$; near 0 this is $d^2/2$.
        focal_tversky: the other way round, a gradient that grows towards the end.

    Args:
        logits: $z$, shape `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; 0 leaves out.
        smooth: $s \ge 0$ pixels, as in `dice`.
        per: `image` takes the sums over each image, `batch` over all images together.
        empty: what a class without a target pixel is worth: `skip` leaves it out, `zero` is 0,
            `penalise` is log cosh of its mean probability, so that false positives cost.
        class_weight: $v$, one number per channel; None is 1.
        exclude: classes that do not count, as [0] for the background; None excludes none.
        activation: of the logits; `auto` is `softmax` for class indices, else `sigmoid`.

    Returns:
        $\ell$ in [0, 0.434] before the scaling for images left out, `[batch]`; with `per="batch"`
        one number, `[]`. Where nothing can be judged it is 0 with zero gradient.

    Raises:
        ValueError: shapes that do not belong together, or an option outside its range.

    Example:
        >>> logits = torch.tensor([[[9.0, 9.0, -9.0, -9.0]]])
        >>> log_cosh_dice(logits, torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]))
        tensor([0.0546])

    References:
        Jadon 2020, A Survey of Loss Functions for Semantic Segmentation, the log-cosh dice loss.
    """
    check_number("smooth", smooth, lambda s: s >= 0, "at least 0")
    sums = region_sums(logits, target, weight, per=per, activation=activation)
    values = fill_empty(_one_minus_dice(sums, smooth), sums, empty)
    values = torch.log1p(2 * torch.sinh(values / 2) ** 2)  # cosh x − 1 = 2 sinh²(x/2)
    return mean_over_classes(values, sums, empty=empty, class_weight=class_weight, exclude=exclude)


def _one_minus_dice(sums: Sums, smooth: float) -> Tensor:
    return 1 - over(2 * sums.overlap + smooth, sums.probability + sums.truth + smooth)
