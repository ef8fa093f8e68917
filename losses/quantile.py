"""Losses whose two sides weigh differently: they estimate quantiles and expectiles."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .checks import check_number, paired
from .domains import Real

Level = float | Sequence[float]


def quantile(prediction: Real, target: Real, *, level: Level = 0.5) -> Tensor:
    r"""Quantile (pinball) loss: one side of the target costs more, so the answer moves off centre.

    $$\ell = \begin{cases} \tau\,(y - \hat y) & y \ge \hat y \\
      (1-\tau)\,(\hat y - y) & y < \hat y \end{cases}$$

    where $\hat y$ is the prediction, $y$ the target and $\tau$ the level. With several levels it is
    the mean over them of each level's loss. They are learnt apart, so quantiles may cross.

    Estimates:
        The $\tau$-quantile. Where an answer that is too low costs $a$ a unit and one that is too
        high costs $b$, the best decision is the quantile of level $a / (a + b)$.

    Gradient:
        $-\tau$ below the target and $1-\tau$ above it, whatever the distance.

    Use:
        For intervals, for safety margins, and when too little and too much have different prices.

    Avoid:
        For extreme levels on few samples: only the share $\min(\tau, 1-\tau)$ of them lies beyond.

    Relatives:
        l1: with `level=0.5` this is half of it.
        expectile: the same with squares; smooth, but led by outliers.
        crps_ensemble: judges the whole distribution; it is twice this averaged over all levels.

    Args:
        prediction: $\hat y$, shaped like the target; for a list of levels, one last axis more,
            `[batch, outputs, levels]`. Finite, in the target's unit.
        target: $y$, `[batch, outputs, *spatial]`.
        level: $\tau$ in (0, 1), one number or a list of them.

    Returns:
        $\ell$ in the target's unit, shaped like the target.

    Raises:
        ValueError: a prediction that fits neither form, or a level outside (0, 1).

    Example:
        >>> prediction, target = torch.tensor([[1.0], [5.0]]), torch.tensor([[3.0], [3.0]])
        >>> quantile(prediction, target, level=0.9).squeeze(1)
        tensor([1.8000, 0.2000])
        >>> both = torch.stack([prediction, prediction], -1)
        >>> quantile(both, target, level=[0.1, 0.9]).squeeze(1)
        tensor([1., 1.])

    References:
        Koenker & Bassett 1978, Regression Quantiles.
    """
    above, tau = _residual(prediction, target, level)
    values = torch.maximum(tau * above, (tau - 1) * above)
    return _over_levels(values, target)


def expectile(prediction: Real, target: Real, *, level: Level = 0.5) -> Tensor:
    r"""Expectile loss: squared error that weighs the two sides of the target differently.

    $$\ell = \begin{cases} \tau\,(y - \hat y)^2 & y \ge \hat y \\
      (1-\tau)\,(\hat y - y)^2 & y < \hat y \end{cases}$$

    where $\hat y$ is the prediction, $y$ the target and $\tau$ the level. With several levels it is
    the mean over them of each level's loss.

    Estimates:
        The $\tau$-expectile: the point at which the mean excess above times $\tau$ balances the
        mean shortfall below times $1-\tau$. At ½ it is the mean.

    Gradient:
        $2\tau\,(\hat y - y)$ below the target, $2(1-\tau)(\hat y - y)$ above: no bound.

    Use:
        When the size of an excess matters and not only how often it occurs; as a soft maximum over
        actions in offline reinforcement learning, with a level near 1.

    Avoid:
        With outliers, or when the answer is read as a share of cases: that is a quantile.

    Relatives:
        mse: with `level=0.5` this is half of it.
        quantile: the same with absolute residuals.

    Args:
        prediction: $\hat y$, shaped like the target; for a list of levels, one last axis more,
            `[batch, outputs, levels]`. Finite, in the target's unit.
        target: $y$, `[batch, outputs, *spatial]`.
        level: $\tau$ in (0, 1), one number or a list of them.

    Returns:
        $\ell$ in the target's unit squared, shaped like the target.

    Raises:
        ValueError: a prediction that fits neither form, or a level outside (0, 1).

    Example:
        >>> prediction, target = torch.tensor([[1.0], [5.0]]), torch.tensor([[3.0], [3.0]])
        >>> expectile(prediction, target, level=0.9).squeeze(1)
        tensor([3.6000, 0.4000])

    References:
        Newey & Powell 1987, Asymmetric Least Squares Estimation and Testing.
    """
    above, tau = _residual(prediction, target, level)
    values = torch.where(above >= 0, tau * above, (1 - tau) * above) * above
    return _over_levels(values, target)


def _residual(prediction: Tensor, target: Tensor, level: Level) -> tuple[Tensor, float | Tensor]:
    r"""$y - \hat y$, and $\tau$: a number, or several along the last axis."""
    if isinstance(level, int | float) or (isinstance(level, Tensor) and level.ndim == 0):
        check_number("level", level, lambda tau: 0 < tau < 1, "in (0, 1)")
        prediction, target = paired(prediction, target)
        return target - prediction, level
    for one in level:
        check_number("level", one, lambda tau: 0 < tau < 1, "in (0, 1)")
    shape = (*target.shape, len(level))
    if prediction.shape != shape or len(level) == 0:
        raise ValueError(
            f"level {list(level)} needs a prediction with one entry per level on a last axis, "
            f"shape {shape}; got {tuple(prediction.shape)}"
        )
    prediction, target = paired(prediction, target.unsqueeze(-1).expand(shape))
    levels = torch.as_tensor(level, dtype=prediction.dtype, device=prediction.device)
    return target - prediction, levels


def _over_levels(values: Tensor, target: Tensor) -> Tensor:
    return values if values.ndim == target.ndim else values.mean(-1)
