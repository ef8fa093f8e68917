"""Cross-entropies that turn towards what is answered badly, by a power of the probability."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_number, is_zero, paired, per_class
from .classification import surprisal
from .domains import Labels, Logits, Unit
from .elementwise import elementwise


def focal(
    logits: Logits,
    target: Labels,
    *,
    gamma: float = 2.0,
    alpha: float | Sequence[float] | None = None,
) -> Tensor:
    r"""Focal loss: cross-entropy that turns away from what is already answered well.

    $$\ell = -\sum_c \alpha_c\, y_c\,(1-p_c)^\gamma \log p_c$$

    where $p$ is the softmax of several channels, or $(1-\sigma(z), \sigma(z))$ of one. At
    $\gamma=2$ an example answered with $p=0.9$ weighs 100 times less than in cross-entropy, so the
    rare and the hard ones lead.

    Estimates:
        The most probable class, by probabilities that are less extreme than the true ones; of many
        classes that are all improbable, by a trace more extreme.

    Gradient:
        That of cross-entropy times $(1-p)^\gamma - \gamma\,p\,(1-p)^{\gamma-1}\log p$ for the true
        class's $p$: bounded, and never zero while the answer is wrong.

    Use:
        Many easy examples drown few hard ones, as background does in detection and segmentation.

    Avoid:
        The labels are noisy, since it chases what can't be learnt; or the probabilities are used.

    Relatives:
        cross_entropy: what it is for several channels with `gamma=0`.
        bce: what it is for one channel with `gamma=0`.
        sigmoid_focal: one channel per label instead of one for each of the exclusive classes.
        poly1: lifts cross-entropy's leading term instead of damping all of it.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: for one channel in [0, 1] and shaped like the logits; for several, class indices
            `[batch, *spatial]`.
        gamma: $\gamma \ge 0$. The gradient is finite everywhere, also for $0<\gamma<1$.
        alpha: class weights; for one channel a number, $\alpha$ for class 1 and $1-\alpha$ for
            class 0; for several, one number per class. None is 1 everywhere.

    Returns:
        $\ell$ in nats; shaped like the logits for one channel, else `[batch, *spatial]`.

    Raises:
        ValueError: a target or an alpha of the wrong shape, or an option outside its range.

    Example:
        >>> focal(torch.tensor([[2.0], [-2.0]]), torch.tensor([[1.0], [1.0]])).squeeze(1)
        tensor([0.0018, 1.6501])
        >>> focal(torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([0]), gamma=0.0)
        tensor([0.2395])

    References:
        Lin et al. 2017, Focal Loss for Dense Object Detection, eq. 4 and 5. The estimate:
        Charoenphakdee et al. 2021, On Focal Loss for Class-Posterior Probability Estimation.
    """
    if logits.ndim < 2 or logits.shape[1] == 1:
        return sigmoid_focal(logits, target, gamma=gamma, alpha=_one_number(alpha))
    check_number("gamma", gamma, lambda g: g >= 0, "at least 0")
    values = elementwise(_focused, surprisal(logits, target), gamma)
    if alpha is None:
        return values
    if isinstance(alpha, int | float) or (isinstance(alpha, Tensor) and alpha.ndim == 0):
        raise ValueError(f"with several channels alpha must be one number per class; got {alpha}")
    return per_class("alpha", alpha, logits.shape[1], values)[target.long()] * values


def _focused(surprisal: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    # log(1 − p) from −log p alone. Where p rounds to 1 the power of 0 has no derivative; there it
    # is multiplied by 0, and a constant takes its place.
    above_zero = surprisal.clamp(min=torch.finfo(surprisal.dtype).eps)
    wrong = -torch.expm1(-above_zero)
    power = torch.exp(gamma * torch.log(wrong))
    slope = power * (1 + gamma * (surprisal * torch.exp(-above_zero) / wrong))
    return power * surprisal, slope


def _one_number(alpha: float | Sequence[float] | None) -> float | None:
    if alpha is None or isinstance(alpha, int | float):
        return alpha
    if isinstance(alpha, Tensor) and alpha.ndim == 0:
        return alpha
    raise ValueError(f"with one channel alpha must be one number, for class 1; got {alpha}")


def sigmoid_focal(
    logits: Logits, target: Unit, *, gamma: float = 2.0, alpha: float | None = None
) -> Tensor:
    r"""Focal loss of every channel by itself: for labels that may hold together.

    $$\ell = -\alpha\,y\,(1-p)^\gamma\log p - (1-\alpha)(1-y)\,p^\gamma\log(1-p),
      \qquad p = \sigma(z)$$

    Estimates:
        Whether each label holds, by probabilities that are less extreme than the true ones.

    Gradient:
        $(1-p)^\gamma(\gamma\,p\log p + p - 1)$ for $y=1$, its mirror image for $y=0$: bounded, and
        never zero while the answer is wrong.

    Use:
        Detection, or labels that may hold together, where most answers are an easy no.

    Avoid:
        Exactly one class holds: `focal` then lets the classes compete.

    Relatives:
        bce: what it is with `gamma=0`.
        focal: the same for one channel; a softmax for several.
        asymmetric: another $\gamma$ for the labels that hold than for those that don't.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: $y$ in [0, 1], shaped like the logits.
        gamma: $\gamma \ge 0$.
        alpha: $\alpha$ in [0, 1], the weight of what holds; 0.25 in the paper, None is 1 for both.

    Returns:
        $\ell$ in nats, shaped like the logits.

    Raises:
        ValueError: shapes that differ, or an option outside its range.

    Example:
        >>> logits = torch.tensor([[2.0, -2.0, -2.0]])
        >>> sigmoid_focal(logits, torch.tensor([[1.0, 1.0, 0.0]]))
        tensor([[0.0018, 1.6501, 0.0018]])
        >>> sigmoid_focal(logits, torch.tensor([[1.0, 1.0, 0.0]]), alpha=0.25)
        tensor([[0.0005, 0.4125, 0.0014]])

    References:
        Lin et al. 2017, Focal Loss for Dense Object Detection, eq. 5.
    """
    check_number("gamma", gamma, lambda g: g >= 0, "at least 0")
    if alpha is not None:
        check_number("alpha", alpha, lambda a: 0 <= a <= 1, "in [0, 1]")
    logits, target = paired(logits, target)
    return elementwise(_sigmoid_focal, logits, target, gamma, alpha)


def _sigmoid_focal(
    logits: Tensor, target: Tensor, gamma: float, alpha: float | None
) -> tuple[Tensor, Tensor]:
    p, q = logits.sigmoid(), (-logits).sigmoid()
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    one, one_slope = _where_it_holds(p, q, log_p, log_q, gamma)
    zero, zero_slope = _where_it_holds(q, p, log_q, log_p, gamma)
    if alpha is not None:
        one, one_slope = alpha * one, alpha * one_slope
        zero, zero_slope = (1 - alpha) * zero, (1 - alpha) * zero_slope
    return torch.lerp(zero, one, target), torch.lerp(-zero_slope, one_slope, target)


def _where_it_holds(
    p: Tensor, q: Tensor, log_p: Tensor, log_q: Tensor, gamma: float
) -> tuple[Tensor, Tensor]:
    """Loss and slope for a label that holds, from the probability $p$ of it and $q = 1 - p$."""
    power = _power(q, log_q, gamma)
    return -power * log_p, power * (gamma * (p * log_p) - q)


def _power(p: Tensor, log_p: Tensor, gamma: float) -> Tensor:
    # From the logits' own logarithm: unlike the power, it has all its derivatives where p is 0.
    return p.square() if not isinstance(gamma, Tensor) and gamma == 2 else (gamma * log_p).exp()


def asymmetric(
    logits: Logits,
    target: Unit,
    *,
    gamma_neg: float = 4.0,
    gamma_pos: float = 0.0,
    clip: float = 0.05,
) -> Tensor:
    r"""Asymmetric loss: focal for what does not hold, gentler for the rare labels that do.

    $$\ell = -y\,(1-p)^{\gamma_+}\log p - (1-y)\,p_m^{\gamma_-}\log(1-p_m),
      \qquad p = \sigma(z), \quad p_m = \max(0,\; p-m)$$

    Estimates:
        Whether each label holds, ranked rather than calibrated: raised probabilities, since what
        does not hold and is below $m$ costs nothing.

    Gradient:
        For $y=1$ that of `sigmoid_focal`. For $y=0$ it is zero where $p \le m$, and fades again as
        $p \to 1$ while the loss stays below $-\log m$: there the label counts as a mistake.

    Use:
        Many labels of which few hold, some of those that do left out of the annotation.

    Avoid:
        A confident false positive is what matters most, or probabilities are used.

    Relatives:
        sigmoid_focal: what it is with equal gammas and `clip=0`.
        bce: what it is with both gammas and `clip` at 0.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: $y$ in [0, 1], shaped like the logits.
        gamma_neg: $\gamma_- \ge 0$.
        gamma_pos: $\gamma_+ \ge 0$, at most $\gamma_-$ in the paper.
        clip: $m$ in [0, 1), the probability that is forgiven where the label does not hold.

    Returns:
        $\ell$ in nats, shaped like the logits.

    Raises:
        ValueError: shapes that differ, or an option outside its range.

    Example:
        >>> logits = torch.tensor([[2.0, 2.0, -3.5]])
        >>> asymmetric(logits, torch.tensor([[1.0, 0.0, 0.0]]))
        tensor([[0.1269, 0.8464, 0.0000]])

    References:
        Ridnik et al. 2021, Asymmetric Loss For Multi-Label Classification, section 2.
    """
    check_number("gamma_neg", gamma_neg, lambda g: g >= 0, "at least 0")
    check_number("gamma_pos", gamma_pos, lambda g: g >= 0, "at least 0")
    check_number("clip", clip, lambda m: 0 <= m < 1, "in [0, 1)")
    logits, target = paired(logits, target)
    return elementwise(_asymmetric, logits, target, gamma_neg, gamma_pos, clip)


def _asymmetric(
    logits: Tensor, target: Tensor, gamma_neg: float, gamma_pos: float, clip: float
) -> tuple[Tensor, Tensor]:
    p, q = logits.sigmoid(), (-logits).sigmoid()
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    one, one_slope = _where_it_holds(p, q, log_p, log_q, gamma_pos)
    if is_zero(clip):
        zero, zero_slope = _where_it_holds(q, p, log_q, log_p, gamma_neg)
        return torch.lerp(zero, one, target), torch.lerp(-zero_slope, one_slope, target)
    shifted = (p - clip).clamp(min=0)
    above_zero = shifted.clamp(min=torch.finfo(p.dtype).eps / 4)  # its power has its derivatives
    log_rest = torch.log1p(-shifted)
    power = _power(above_zero, above_zero.log(), gamma_neg)
    slope = power * (1 / (1 - shifted) - gamma_neg * (log_rest / above_zero))
    zero, zero_slope = -power * log_rest, slope * (p * q) * shifted.sign()
    return torch.lerp(zero, one, target), torch.lerp(zero_slope, one_slope, target)
