"""Soft Matthews correlation: the overlap loss in which true negatives count too."""

from collections.abc import Sequence
from typing import get_args

import torch
from torch import Tensor

from .checks import check_choice, check_number
from .domains import Labels, Logits, Weight
from .region import Activation, Empty, Per, mean_over_classes, over, region_sums

_TINY = torch.finfo(torch.float32).tiny


def mcc(
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
    r"""Matthews correlation loss: one minus the correlation of answer and target over pixels.

    $$\ell_c = 1 - \frac{I_c - P_c Y_c / A + s}
      {\sqrt{P_c\,(A - P_c)\,Y_c\,(A - Y_c)}\,/A + s}
      \qquad \ell = \frac{\sum_c v_c\,\ell_c}{\sum_c v_c}$$

    over classes $c$, with the sums over pixels $I_c = \sum_i w_i p_{ic} y_{ic}$,
    $P_c = \sum_i w_i p_{ic}$, $Y_c = \sum_i w_i y_{ic}$ and $A = \sum_i w_i$, and $p$ the sigmoid
    or softmax of the logits $z$. In the confusion matrix's terms this is
    $(TP \cdot TN - FP \cdot FN)/\sqrt{\cdots}$. A class that has no target pixel, or all of them,
    is left out, and images without any other as in `dice`.

    Estimates:
        A mask, not a probability; over constants it is 1, whatever their value.
    Gradient:
        $\partial\ell_c/\partial p_{ic} = -\frac{w_i}{A}\left(\frac{y_{ic} - \bar y}{S}
        - (1-\ell_c)\frac{1 - 2\bar p}{2\bar p(1-\bar p)}\right)$ with $\bar p = P/A$,
        $\bar y = Y/A$, $S = \sqrt{\bar p(1-\bar p)\,\bar y(1-\bar y)}$; times $p(1-p)$ towards
        the logits, so a pixel that is wrong with full confidence has none.
    Use:
        Where foreground and background matter alike, and either may be the small one.
    Avoid:
        With images that are often all foreground or all background: they say nothing.
    Relatives:
        dice: it leaves out the true negatives; for a rare class in a large image, this is near it.
        pearson: the same correlation, of real-valued answers.

    Args:
        logits: $z$, shape `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; 0 leaves out.
        smooth: $s \ge 0$ pixels; makes the loss of masks smaller than that gentler.
        per: `image` takes the sums over each image, `batch` over all images together.
        empty: what a class that has no target pixel, or all, is worth: `skip` leaves it out,
            `zero` is 0, `penalise` is the mean probability of the wrong answer.
        class_weight: $v$, one number per channel; None is 1.
        exclude: classes that do not count, as [0] for the background; None excludes none.
        activation: of the logits; `auto` is `softmax` for class indices, else `sigmoid`.

    Returns:
        $\ell$ in [0, 2] before the scaling for images left out, `[batch]`; with `per="batch"` one
        number, `[]`. Where nothing can be judged it is 0 with zero gradient.

    Raises:
        ValueError: shapes that do not belong together, or an option outside its range.

    Example:
        >>> logits = torch.tensor([[[9.0, 9.0, -9.0, -9.0]]])
        >>> target = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
        >>> mcc(logits, target), mcc(-logits, 1 - target)
        (tensor([0.4228]), tensor([0.4228]))

    References:
        Abhishek & Hamarneh 2021, Matthews Correlation Coefficient Loss for Deep Convolutional
        Networks: Application to Skin Lesion Segmentation. Matthews 1975, Comparison of
        the Predicted and Observed Secondary Structure of T4 Phage Lysozyme.
    """
    check_number("smooth", smooth, lambda s: s >= 0, "at least 0")
    check_choice("empty", empty, get_args(Empty))
    sums = region_sums(logits, target, weight, per=per, activation=activation)
    area = torch.where(sums.area > 0, sums.area, 1)
    i, p, y = sums.overlap / area, sums.probability / area, sums.truth / area
    # Where all is target, the rounding of weighted sums may leave a trace of background.
    judged = (y > 0) & (1 - y > 4 * torch.finfo(y.dtype).eps)
    variances = p * (1 - p) * y * (1 - y)
    varies = judged & (variances > _TINY)
    deviations = torch.where(varies, variances, 1).sqrt()
    covariance = torch.where(varies, i - p * y, 0)
    s = smooth / area
    values = 1 - over(covariance + s, torch.where(varies, deviations, 0) + s)
    wrong = torch.where(y > 0, 1 - p, p) if empty == "penalise" else 0
    return mean_over_classes(
        torch.where(judged, values, wrong),
        sums,
        empty=empty,
        class_weight=class_weight,
        exclude=exclude,
        judged=judged,
    )
