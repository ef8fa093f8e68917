"""Tversky losses: overlap with a price for false positives and another for misses."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .checks import check_number
from .domains import Labels, Logits, Weight
from .region import Activation, Empty, Per, Sums, fill_empty, mean_over_classes, over, region_sums


def tversky(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth: float = 0.0,
    per: Per = "image",
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    exclude: Sequence[int] | None = None,
    activation: Activation = "auto",
) -> Tensor:
    r"""Tversky loss: overlap in which a missed pixel may cost more than one too many.

    $$\ell_c = 1 - \frac{I_c + s}{I_c + \alpha\,F_c + \beta\,M_c + s}
      \qquad \ell = \frac{\sum_c v_c\,\ell_c}{\sum_c v_c}$$

    over classes $c$, with the overlap $I_c = \sum_i w_i p_{ic} y_{ic}$, the false positives
    $F_c = \sum_i w_i p_{ic}(1-y_{ic})$ and the misses $M_c = \sum_i w_i (1-p_{ic}) y_{ic}$ over
    pixels $i$, $p$ the sigmoid or softmax of the logits $z$. Classes and images without a target
    are left out as in `dice`.

    Estimates:
        A mask, not a probability: $p=1$ where the class is likelier than
        $\alpha T/(1-(1-\alpha-\beta)\,T)$, with $T = 1-\ell_c$ the index reached; a lower
        $\alpha$ makes larger masks.
    Gradient:
        $\partial\ell_c/\partial p_{ic} = -w_i\,(y_{ic} - T(\alpha + (1-\alpha-\beta)\,y_{ic}))
        /(\text{denominator})$; bounded, but times $p(1-p)$ towards the logits, so a pixel that is
        wrong with full confidence has none.
    Use:
        Where misses and false alarms differ in price: lesions, defects, rare classes.
    Avoid:
        With $\beta \gg \alpha$ from the start: masks that fill the image are its cheap way out.
    Relatives:
        dice: alpha=beta=0.5, with half of dice's smooth.
        jaccard: alpha=beta=1.
        focal_tversky: this to a power.
        soft_recall: alpha=0, beta=1, per batch, is this without its floor.
        soft_precision: alpha=1, beta=0, per batch, is this without its floor.

    Args:
        logits: $z$, shape `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; 0 leaves out.
        alpha: $\alpha \ge 0$, the price of a false positive.
        beta: $\beta \ge 0$, the price of a miss; not both 0.
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
        >>> logits = torch.tensor([[[9.0, 9.0, -9.0, -9.0]]])
        >>> tversky(logits, torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]))  # one false positive
        tensor([0.2309])
        >>> tversky(logits, torch.tensor([[[1.0, 1.0, 1.0, 0.0]]]))  # one miss
        tensor([0.2593])

    References:
        Salehi et al. 2017, Tversky Loss Function for Image Segmentation Using 3D Fully
        Convolutional Deep Networks; the defaults are those it finds best.
    """
    sums = region_sums(logits, target, weight, per=per, activation=activation)
    values = fill_empty(_one_minus_tversky(sums, alpha, beta, smooth), sums, empty)
    return mean_over_classes(values, sums, empty=empty, class_weight=class_weight, exclude=exclude)


def focal_tversky(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 4 / 3,
    smooth: float = 0.0,
    per: Per = "image",
    empty: Empty = "skip",
    class_weight: Sequence[float] | None = None,
    exclude: Sequence[int] | None = None,
    activation: Activation = "auto",
) -> Tensor:
    r"""Focal Tversky loss: a Tversky loss whose pull lasts to the end of each class.

    $$\ell_c = t_c^{\,1/\gamma} \qquad \ell = \frac{\sum_c v_c\,\ell_c}{\sum_c v_c}$$

    with $t_c$ the loss of one class in `tversky`, from logits $z$, target $y$, weights $w$ and
    `smooth` $s$. The power is one over $\gamma$, as in the paper; other libraries write $t^\gamma$
    and mean our $1/\gamma$.

    Estimates:
        The same mask as `tversky`, one image and class at a time; over many, with $\gamma>1$ those
        that are nearly right count for more.
    Gradient:
        That of `tversky` times $t_c^{1/\gamma-1}/\gamma$: for $\gamma>1$ more than it for small
        $t_c$, without bound as $t_c$ goes to 0, and 0 where $t_c$ is 0; for $\gamma<1$ less.
    Use:
        With $\gamma>1$ where many classes are half right and should be finished; with $\gamma<1$
        where the bad ones should lead.
    Avoid:
        $\gamma>1$ with noisy outlines, or at a high learning rate: the gradient does not settle.
    Relatives:
        tversky: gamma=1.
        focal: the power there is on each pixel's probability, not on the overlap.

    Args:
        logits: $z$, shape `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; 0 leaves out.
        alpha: $\alpha \ge 0$, the price of a false positive.
        beta: $\beta \ge 0$, the price of a miss; not both 0.
        gamma: $\gamma > 0$; the paper looks at 1 to 3.
        smooth: $s \ge 0$ pixels, as in `tversky`.
        per: `image` takes the sums over each image, `batch` over all images together.
        empty: what a class without a target pixel is worth: `skip` leaves it out, `zero` is 0,
            `penalise` is that power of its mean probability, so that false positives cost.
        class_weight: $v$, one number per channel; None is 1.
        exclude: classes that do not count, as [0] for the background; None excludes none.
        activation: of the logits; `auto` is `softmax` for class indices, else `sigmoid`.

    Returns:
        $\ell$ in [0, 1] before the scaling for images left out, `[batch]`; with `per="batch"` one
        number, `[]`. Where nothing can be judged it is 0 with zero gradient.

    Raises:
        ValueError: shapes that do not belong together, or an option outside its range.

    Example:
        >>> logits = torch.tensor([[[9.0, 9.0, -9.0, -9.0]]])
        >>> target = torch.tensor([[[1.0, 1.0, 1.0, 0.0]]])
        >>> focal_tversky(logits, target), focal_tversky(logits, target, gamma=1.0)
        (tensor([0.3634]), tensor([0.2593]))

    References:
        Abraham & Khan 2019, A Novel Focal Tversky Loss Function with Improved Attention U-Net for
        Lesion Segmentation; alpha and beta are exchanged there.
    """
    check_number("gamma", gamma, lambda g: g > 0, "positive")
    sums = region_sums(logits, target, weight, per=per, activation=activation)
    values = fill_empty(_one_minus_tversky(sums, alpha, beta, smooth), sums, empty)
    some = values > 0  # rounding may leave less than 0, and at 0 the power has no derivative
    values = torch.where(some, torch.where(some, values, 1) ** (1 / gamma), 0)
    return mean_over_classes(values, sums, empty=empty, class_weight=class_weight, exclude=exclude)


def jaccard(
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
    r"""Soft Jaccard loss: one minus intersection over union, stricter than dice half way.

    $$\ell_c = 1 - \frac{\sum_i w_i p_{ic} y_{ic} + s}
      {\sum_i w_i p_{ic} + \sum_i w_i y_{ic} - \sum_i w_i p_{ic} y_{ic} + s}
      \qquad \ell = \frac{\sum_c v_c\,\ell_c}{\sum_c v_c}$$

    over pixels $i$ and classes $c$, with $p$ the sigmoid or softmax of the logits $z$. Classes and
    images without a target are left out as in `dice`.

    Estimates:
        A mask, not a probability: $p=1$ where the class is likelier than $J/(1+J)$, with
        $J = 1-\ell_c$ the index reached: the same mask as `dice`, for one image.
    Gradient:
        $\partial\ell_c/\partial p_{ic} = -w_i\,(y_{ic} - J(1-y_{ic}))/(\text{union} + s)$;
        bounded, but times $p(1-p)$ towards the logits, so a pixel that is wrong with full
        confidence has none.
    Use:
        Where intersection over union is what will be judged.
    Avoid:
        With soft targets: its minimum over $p$ is a mask even where the target is not, and
        $p=y$ does not give 0.
    Relatives:
        dice: $\ell = 2d/(1+d)$ of its loss $d$ for one image and class.
        tversky: with alpha=beta=1 it is this.
        lovasz: the surrogate that is exact for hard masks.

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
        >>> logits = torch.tensor([[[9.0, 9.0, -9.0, -9.0]]])
        >>> jaccard(logits, torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]))
        tensor([0.5001])

    References:
        Rahman & Wang 2016, Optimizing Intersection-Over-Union in Deep Neural Networks for Image
        Segmentation.
    """
    sums = region_sums(logits, target, weight, per=per, activation=activation)
    values = fill_empty(_one_minus_tversky(sums, 1.0, 1.0, smooth), sums, empty)
    return mean_over_classes(values, sums, empty=empty, class_weight=class_weight, exclude=exclude)


def _one_minus_tversky(sums: Sums, alpha: float, beta: float, smooth: float) -> Tensor:
    check_number("smooth", smooth, lambda s: s >= 0, "at least 0")
    check_number("alpha", alpha, lambda a: a >= 0, "at least 0")
    check_number("beta", beta, lambda b: b >= 0, "at least 0")
    if not isinstance(alpha, Tensor) and not isinstance(beta, Tensor) and alpha == beta == 0:
        raise ValueError("alpha and beta must not both be 0: then no error has a price")
    errors = alpha * (sums.probability - sums.overlap) + beta * (sums.truth - sums.overlap)
    return 1 - over(sums.overlap + smooth, sums.overlap + errors + smooth)
