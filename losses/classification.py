"""Losses for classes and labels, per image or per pixel, from logits."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import (
    check_choice,
    check_indices,
    check_number,
    class_mask,
    is_zero,
    paired,
    per_class,
)
from .domains import Labels, Logits, Signs, Unit
from .reduction import at_least_fp32

# torch skips labels equal to `ignore_index`, −100 by default, and so would hide a wrong label.
# Which elements to ignore is the term's business; this is a label that nobody has.
_NO_LABEL = -(2**62)


def bce(
    logits: Logits,
    target: Unit,
    *,
    pos_weight: float | Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Binary cross-entropy from logits: for two classes, or labels that may hold together.

    $$\ell = -w\,y\log\sigma(z) - (1-y)\log(1-\sigma(z))$$

    for logit $z$ and target $y$, evaluated in log space, so a confidently wrong answer keeps its
    gradient $\sigma(z) - y$. With hard targets it estimates the probability of class 1; raising
    $w$ above 1 makes a missed positive cost more, and shifts that estimate upwards.

    Args:
        logits: $z$, `[batch, channels, *spatial]`; one channel for two classes.
        target: $y$ in [0, 1], shaped like the logits.
        pos_weight: $w > 0$, one number or one per channel; None is 1.
        label_smoothing: $s$ in [0, 1); replaces $y$ by $(1-s)\,y + s/2$.

    Returns:
        $\ell$ in nats, shaped like the logits.

    Raises:
        ValueError: shapes that differ, or an option outside its range.

    Example:
        >>> logits = torch.tensor([[0.0], [2.0], [-2.0]])
        >>> bce(logits, torch.ones(3, 1)).squeeze(1)
        tensor([0.6931, 0.1269, 2.1269])

    References:
        Bishop 2006, Pattern Recognition and Machine Learning, eq. 4.90. Smoothing: Szegedy et al.
        2016, Rethinking the Inception Architecture, section 7.
    """
    check_number("label_smoothing", label_smoothing, lambda s: 0 <= s < 1, "in [0, 1)")
    logits, target = paired(logits, target)
    if not is_zero(label_smoothing):
        target = target + label_smoothing * (0.5 - target)
    weight = None if pos_weight is None else _pos_weight(pos_weight, logits)
    return F.binary_cross_entropy_with_logits(logits, target, pos_weight=weight, reduction="none")


def _pos_weight(pos_weight: float | Sequence[float], logits: Tensor) -> Tensor:
    if isinstance(pos_weight, int | float):
        check_number("pos_weight", pos_weight, lambda w: w > 0, "positive")
        return logits.new_full((), pos_weight)
    if isinstance(pos_weight, Tensor) and pos_weight.ndim == 0:
        return pos_weight
    by_channel = per_class("pos_weight", pos_weight, logits.shape[1], logits)
    return by_channel.reshape(-1, *[1] * (logits.ndim - 2))


def cross_entropy(logits: Logits, target: Labels, *, label_smoothing: float = 0.0) -> Tensor:
    r"""Cross-entropy of a softmax: for classes of which exactly one holds.

    $$\ell = -\sum_c y_c \log p_c, \qquad p = \operatorname{softmax}(z)$$

    with $y$ the one-hot target or the target probabilities. Its gradient with respect to the logits
    is $p - y$, bounded and never zero while the answer is wrong. It estimates class probabilities.

    Args:
        logits: $z$, `[batch, classes, *spatial]`, at least two classes; for one channel use `bce`.
        target: class indices of any integer type, `[batch, *spatial]`, or probabilities $y$ shaped
            like the logits.
        label_smoothing: $s$ in [0, 1); replaces $y$ by $(1-s)\,y + s/C$ for $C$ classes.

    Returns:
        $\ell$ in nats, `[batch, *spatial]`.

    Raises:
        ValueError: one channel, a target that fits neither form, or an option outside its range.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
        >>> cross_entropy(logits, torch.tensor([0, 2]))
        tensor([0.2395, 1.0986])
        >>> cross_entropy(logits, torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]))
        tensor([0.2395, 1.0986])

    References:
        Bishop 2006, Pattern Recognition and Machine Learning, eq. 4.108. Smoothing: Szegedy et al.
        2016, Rethinking the Inception Architecture, section 7.
    """
    check_number("label_smoothing", label_smoothing, lambda s: 0 <= s < 1, "in [0, 1)")
    if target.shape == logits.shape and logits.ndim > 1 and logits.shape[1] > 1:
        logits, target = paired(logits, target)
    else:
        check_indices(logits, target)
        logits, target = at_least_fp32(logits), target.long()
    values = F.cross_entropy(logits, target, reduction="none", ignore_index=_NO_LABEL)
    if is_zero(label_smoothing):
        return values
    uniform = logits.logsumexp(1) - logits.mean(1)  # −Σ log p_c / C
    return values + label_smoothing * (uniform - values)


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
    rare and the hard ones lead. `gamma=0` is `cross_entropy`, with one channel `bce`. The
    probabilities it leads to are less extreme than the true ones.

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
        Lin et al. 2017, Focal Loss for Dense Object Detection, eq. 4 and 5.
    """
    check_number("gamma", gamma, lambda g: g >= 0, "at least 0")
    if logits.ndim > 1 and logits.shape[1] > 1:
        return _softmax_focal(logits, target, gamma, alpha)
    return _sigmoid_focal(logits, target, gamma, alpha)


# (1 − p)^γ is exp(γ log(1 − p)), with log(1 − p) taken from the logits: unlike the power, it has
# all its derivatives where p rounds to 1.


def _sigmoid_focal(
    logits: Tensor, target: Tensor, gamma: float, alpha: float | Sequence[float] | None
) -> Tensor:
    logits, target = paired(logits, target)
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    positive = target * torch.exp(gamma * log_q) * log_p
    negative = (1 - target) * torch.exp(gamma * log_p) * log_q
    if alpha is None:
        return -(positive + negative)
    if not isinstance(alpha, int | float | Tensor) or (isinstance(alpha, Tensor) and alpha.ndim):
        raise ValueError(f"with one channel alpha must be one number, for class 1; got {alpha}")
    check_number("alpha", alpha, lambda a: 0 <= a <= 1, "in [0, 1]")
    return -(alpha * positive + (1 - alpha) * negative)


def _softmax_focal(
    logits: Tensor, target: Tensor, gamma: float, alpha: float | Sequence[float] | None
) -> Tensor:
    check_indices(logits, target)
    target = target.long()
    log_p = at_least_fp32(logits).log_softmax(1)
    log_p_true = log_p.gather(1, target.unsqueeze(1)).squeeze(1)
    others = log_p.masked_fill(class_mask(target, logits.shape[1]), -torch.inf)
    values = -torch.exp(gamma * others.logsumexp(1)) * log_p_true
    if alpha is None:
        return values
    if isinstance(alpha, int | float) or (isinstance(alpha, Tensor) and alpha.ndim == 0):
        raise ValueError(f"with several channels alpha must be one number per class; got {alpha}")
    return per_class("alpha", alpha, logits.shape[1], log_p)[target] * values


def hinge(logits: Logits, target: Signs, *, margin: float = 1.0, labels: str = "01") -> Tensor:
    r"""Hinge loss: the support vector machine's, zero once an answer is right by a margin.

    $$\ell = \max(0,\; m - y z) \qquad\text{or, for several classes,}\qquad
      \ell = \max(0,\; m + \max_{j \ne y} z_j - z_y)$$

    for one channel with $y = \pm 1$, and for class indices $y$ (Crammer–Singer). Answers beyond
    the margin have no gradient: only the support vectors pull. The scores are not probabilities.

    Args:
        logits: scores $z$, `[batch, channels, *spatial]`.
        target: for one channel 0 and 1 (or −1 and 1, see `labels`) and shaped like the logits; for
            several, class indices `[batch, *spatial]`.
        margin: $m > 0$.
        labels: how one channel's target is written: `01` or `pm1`. It is never guessed.

    Returns:
        $\ell$, shaped like the logits for one channel, else `[batch, *spatial]`.

    Raises:
        ValueError: a target of the wrong shape, or an option outside its range.

    Example:
        >>> logits, target = torch.tensor([[0.3], [2.0], [-0.5]]), torch.tensor([[1], [1], [0]])
        >>> hinge(logits, target).squeeze(1)
        tensor([0.7000, 0.0000, 0.5000])
        >>> hinge(torch.tensor([[2.0, 1.5, -1.0]]), torch.tensor([0]))
        tensor([0.5000])

    References:
        Cortes & Vapnik 1995, Support-Vector Networks. Crammer & Singer 2001, On the Algorithmic
        Implementation of Multiclass Kernel-based Vector Machines, eq. 2.
    """
    check_number("margin", margin, lambda m: m > 0, "positive")
    check_choice("labels", labels, ("01", "pm1"))
    if logits.ndim > 1 and logits.shape[1] > 1:
        check_indices(logits, target)
        logits, index = at_least_fp32(logits), target.long()
        true = logits.gather(1, index.unsqueeze(1)).squeeze(1)
        others = logits.masked_fill(class_mask(index, logits.shape[1]), -torch.inf)
        return F.relu(margin + others.amax(1) - true)
    logits, target = paired(logits, target)
    sign = target if labels == "pm1" else 2 * target - 1
    return F.relu(margin - sign * logits)
