"""Losses for targets whose errors count in proportion to their size."""

import torch
from torch import Tensor

from .checks import paired
from .domains import NonNegative, NonZero, Real

_TINY = torch.finfo(torch.float32).tiny  # keeps 0/0 at 0


def msle(prediction: NonNegative, target: NonNegative) -> Tensor:
    r"""Squared error of logarithms: a factor of two costs the same for small and for large targets.

    $$\ell = \left(\log(1 + \hat y) - \log(1 + y)\right)^2$$

    Estimates:
        $\exp(\mathbb{E}\log(1+y)) - 1$, the geometric mean of $1 + y$ less 1. It lies below the
        mean, so sums over many answers come out too low.

    Gradient:
        $2\,(\log(1+\hat y) - \log(1+y)) / (1+\hat y)$: it fades like $\log(\hat y)/\hat y$ for
        answers that are far too large.

    Use:
        For counts and amounts that span orders of magnitude, zero among them.

    Avoid:
        When totals matter (`mse`, `poisson`), or when the unit is arbitrary: the 1 in the logarithm
        is one unit of the target.

    Relatives:
        mse: of log1p-transformed answer and target it is this; near 0 the two agree.
        mape: relative error without the logarithm.
        poisson: estimates the mean of counts, and its model answers with a logarithm.

    Args:
        prediction: $\hat y \ge 0$, `[batch, outputs, *spatial]`: end the model with softplus or
            exp. At $-1$ and below the loss is not finite; nothing is clipped.
        target: $y \ge 0$, of the same shape.

    Returns:
        $\ell$, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> msle(torch.tensor([[1.0], [99.0]]), torch.tensor([[3.0], [199.0]])).squeeze(1)
        tensor([0.4805, 0.4805])

    References:
        Tofallis 2015, A Better Measure of Relative Prediction Accuracy for Model Selection and
        Model Estimation, which has the logarithm without the 1.
    """
    prediction, target = paired(prediction, target)
    return (prediction.log1p() - target.log1p()).square()


def mape(prediction: Real, target: NonZero) -> Tensor:
    r"""Absolute percentage error: each target's own size is the unit, so small targets lead.

    $$\ell = \frac{|\hat y - y|}{|y|}$$

    as a fraction: 0.1 is ten per cent. It is not defined for $y = 0$: there the value is infinite
    and the gradient 0, and data that hold such a target are refused before training.

    Estimates:
        For positive targets, the median of the density proportional to $f(y)/y$, which lies below
        the median: it favours answers that are too low.

    Gradient:
        $\operatorname{sign}(\hat y - y)/|y|$: constant, and large for small targets.

    Use:
        When the figure that is judged is the percentage error and targets keep away from 0.

    Avoid:
        When targets come near 0, change sign or are standardised: a few of them then lead.

    Relatives:
        l1: with the weight $1/|y|$ it is this.
        smape: measures against target and answer, so it is bounded and takes a target of 0.
        msle: relative errors of non-negative targets, 0 among them.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite, in the target's unit.
        target: $y \ne 0$, of the same shape.

    Returns:
        $\ell$ as a fraction, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> mape(torch.tensor([[110.0], [0.5]]), torch.tensor([[100.0], [1.0]])).squeeze(1)
        tensor([0.1000, 0.5000])

    References:
        Gneiting 2011, Making and Evaluating Point Forecasts, theorem 5 for what it estimates. de
        Myttenaere et al. 2016, Mean Absolute Percentage Error for Regression Models.
    """
    prediction, target = paired(prediction, target)
    size = target.abs()
    relative = (prediction - target).abs() / torch.where(size > 0, size, 1)
    return torch.where(size > 0, relative, torch.inf)


def smape(prediction: Real, target: Real) -> Tensor:
    r"""Symmetric percentage error: against the mean size of answer and target, so at most 2.

    $$\ell = \frac{2\,|\hat y - y|}{|\hat y| + |y|}$$

    as a fraction: 0.1 is ten per cent. Where both are 0 it is 0, with zero gradient.

    Estimates:
        No common statistic. An answer that is too low costs more than one too high by as much.

    Gradient:
        $4\,|y| \operatorname{sign}(\hat y - y) / (|\hat y| + |y|)^2$ where answer and target have
        the same sign. Where the signs differ, or the target is 0, the loss is 2 and the gradient
        zero, by definition.

    Use:
        As forecasting competitions do, for positive targets and a model that answers with positive
        numbers.

    Avoid:
        When answers may have the wrong sign, as a standardised target's do: they never learn.

    Relatives:
        mape: measures against the target alone; the two agree for small errors.
        msle: relative errors without a bound, so every answer keeps a gradient.

    Args:
        prediction: $\hat y$, `[batch, outputs, *spatial]`, finite, in the target's unit.
        target: $y$, of the same shape.

    Returns:
        $\ell$ in [0, 2] as a fraction, shaped like the prediction.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> smape(torch.tensor([[110.0], [90.0], [-1.0]]), torch.full((3, 1), 100.0)).squeeze(1)
        tensor([0.0952, 0.1053, 2.0000])

    References:
        Makridakis 1993, Accuracy Measures: Theoretical and Practical Concerns. Hyndman & Koehler
        2006, Another Look at Measures of Forecast Accuracy.
    """
    prediction, target = paired(prediction, target)
    size = prediction.abs() + target.abs()
    return 2 * (prediction - target).abs() / size.clamp(min=_TINY)
