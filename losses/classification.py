"""Losses for classes and labels, per image or per pixel: the probabilities themselves."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from .checks import check_indices, check_number, is_zero, paired, per_class
from .domains import Labels, Logits, LogProbability, Unit
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

    for logit $z$ and target $y$, evaluated in log space.

    Estimates:
        The probability of class 1, the mean of $y$; raising $w$ above 1 makes a missed positive
        cost more, and shifts that estimate upwards.

    Gradient:
        $\sigma(z) - y$ for $w=1$: bounded, and full where the answer is confidently wrong.

    Use:
        Two classes, or several labels each of which may hold; the first choice.

    Avoid:
        Exactly one of several classes holds; or easy examples drown the rare class.

    Relatives:
        cross_entropy: of two channels, with logits 0 and $z$, it is this.
        logistic: the same for labels of ±1.
        sigmoid_focal: with `gamma=0` it is this.

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
        >>> import torch
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

    with $y$ the one-hot target or the target probabilities.

    Estimates:
        The probability of each class.

    Gradient:
        $p - y$ with respect to the logits: bounded, and never zero while the answer is wrong.

    Use:
        Exactly one of several classes holds; the first choice.

    Avoid:
        Several labels may hold together; or many labels are wrong, since a confident answer that
        contradicts its label costs without bound.

    Relatives:
        bce: one channel instead of two.
        nll: the same from log-probabilities.
        focal: with `gamma=0` it is this.
        generalized_cross_entropy: tends to this as `q` tends to 0.
        kl_divergence: this less the target's entropy, which the logits can't change.

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
        >>> import torch
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
    known = 0.0 if isinstance(label_smoothing, Tensor) else label_smoothing
    if target.shape == logits.shape and logits.ndim > 1 and logits.shape[1] > 1:
        logits, target = paired(logits, target)
        values = F.cross_entropy(logits, target, reduction="none", label_smoothing=known)
    else:
        values = surprisal(logits, target, label_smoothing=known)
    if not isinstance(label_smoothing, Tensor):
        return values
    logits = at_least_fp32(logits)
    uniform = logits.logsumexp(1) - logits.mean(1)  # −Σ log p_c / C
    return values + label_smoothing * (uniform - values)


def surprisal(logits: Tensor, target: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    r"""$-\log p$ of the class that holds, `[batch, *spatial]`, from its index.

    Args:
        logits: `[batch, classes, *spatial]`.
        target: class indices of any integer type, `[batch, *spatial]`.
        label_smoothing: see `cross_entropy`.

    Raises:
        ValueError: one channel, or a target that holds no class indices.
    """
    check_indices(logits, target)
    return F.cross_entropy(
        at_least_fp32(logits),
        target.long(),
        reduction="none",
        ignore_index=_NO_LABEL,
        label_smoothing=label_smoothing,
    )


def nll(log_prob: LogProbability, target: Labels) -> Tensor:
    r"""Negative log-likelihood: cross-entropy for a model that gives log-probabilities itself.

    $$\ell = -\log p_y$$

    for the class $y$ that holds. The log-probabilities are taken as they are: that they sum to one
    is the model's part, as by a `log_softmax`.

    Estimates:
        The probability of each class, if the model's probabilities sum to one.

    Gradient:
        −1 for the true class's log-probability and 0 for the others, which only the model's
        normalisation lowers.

    Use:
        The model normalises its answer itself, as a mixture of experts does.

    Avoid:
        The model gives raw scores: these have no minimum here.

    Relatives:
        cross_entropy: the same from logits; of log-probabilities it gives the same number.

    Args:
        log_prob: $\log p$, `[batch, classes, *spatial]`, at most 0.
        target: class indices $y$ of any integer type, `[batch, *spatial]`.

    Returns:
        $\ell$ in nats, `[batch, *spatial]`.

    Raises:
        ValueError: one channel, or a target that holds no class indices.

    Example:
        >>> import torch
        >>> log_prob = torch.tensor([[0.5, 0.25, 0.25]]).log()
        >>> nll(log_prob, torch.tensor([1]))
        tensor([1.3863])

    References:
        Bishop 2006, Pattern Recognition and Machine Learning, eq. 4.108.
    """
    check_indices(log_prob, target)
    log_prob = at_least_fp32(log_prob)
    return F.nll_loss(log_prob, target.long(), reduction="none", ignore_index=_NO_LABEL)


def brier(logits: Logits, target: Labels) -> Tensor:
    r"""Brier score: squared error of the probabilities, in which no single answer costs much.

    $$\ell = \sum_c (p_c - y_c)^2, \qquad p = \operatorname{softmax}(z)$$

    with $y$ the one-hot target or the target probabilities. For one channel it is
    $(\sigma(z) - y)^2$, half of that sum over its two classes.

    Estimates:
        The probability of each class.

    Gradient:
        $2\,p_j\,(d_j - \sum_c p_c\,d_c)$ with $d = p - y$: bounded, and by definition it vanishes
        where an answer is confident, right or wrong.

    Use:
        Probabilities are what is judged, and some labels are wrong.

    Avoid:
        Training starts from confidently wrong answers: they barely move.

    Relatives:
        cross_entropy: estimates the same, and keeps its gradient where it is wrong.
        generalized_cross_entropy: bounded too; with `q=1` it is the absolute error, halved.
        mse: the same square, of an answer that is no probability.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: for one channel $y$ in [0, 1], shaped like the logits; for several, class indices
            `[batch, *spatial]`, or probabilities $y$ shaped like the logits.

    Returns:
        $\ell$; for one channel in [0, 1] and shaped like the logits, else in [0, 2] and
        `[batch, *spatial]`.

    Raises:
        ValueError: a target that fits none of these forms.

    Example:
        >>> import torch
        >>> brier(torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([0]))
        tensor([0.0681])
        >>> brier(torch.tensor([[2.0], [-2.0]]), torch.ones(2, 1)).squeeze(1)
        tensor([0.0142, 0.7758])

    References:
        Brier 1950, Verification of Forecasts Expressed in Terms of Probability.
    """
    one_channel = logits.ndim < 2 or logits.shape[1] == 1
    if one_channel or target.shape == logits.shape:
        logits, target = paired(logits, target)
        if one_channel:
            return (logits.sigmoid() - target).square()
        return (logits.softmax(1) - target).square().sum(1)
    check_indices(logits, target)
    probability, index = at_least_fp32(logits).softmax(1), target.long().unsqueeze(1)
    minus_one = probability.new_full((), -1).expand_as(index)
    return probability.scatter_add(1, index, minus_one).square().sum(1)
