"""Cross-entropies that know how often each class occurs."""

from collections.abc import Sequence

from torch import Tensor

from .checks import check_indices, check_number, per_class
from .classification import surprisal
from .domains import Labels, Logits
from .reduction import at_least_fp32


def logit_adjusted(
    logits: Logits,
    target: Labels,
    *,
    counts: Sequence[float] | None = None,
    tau: float = 1.0,
) -> Tensor:
    r"""Logit-adjusted cross-entropy: each class is learnt as if all were equally frequent.

    $$\ell = -\log \frac{\pi_y^\tau\,e^{z_y}}{\sum_c \pi_c^\tau\,e^{z_c}}$$

    with $\pi$ the shares of the classes. The largest of the logits $z$ themselves, without the
    adjustment, is the answer that minimises the error averaged over classes.

    Estimates:
        $\operatorname{softmax}(z)_c \propto P(c)\,\pi_c^{-\tau}$, for $\tau=1$ the class
        probabilities if all classes were equally frequent.

    Gradient:
        Softmax of the adjusted logits less the one-hot target: bounded, and never zero while the
        answer is wrong.

    Use:
        Rare classes count as much as frequent ones, as in balanced accuracy.

    Avoid:
        The test data are as imbalanced as the training data, and plain accuracy counts.

    Relatives:
        cross_entropy: what it is with `tau=0`, or with equal counts.
        ldam: a margin by class as well, for the true class alone.

    Args:
        logits: $z$, `[batch, classes, *spatial]`.
        target: class indices $y$, `[batch, *spatial]`.
        counts: how many training examples each class has, or their shares $\pi$; a common factor
            changes nothing. It must be given.
        tau: $\tau \ge 0$, how far the frequencies are undone.

    Returns:
        $\ell$ in nats, `[batch, *spatial]`.

    Raises:
        ValueError: counts that are missing, not positive or not one per class, a negative tau, one
            channel, or a target that holds no class indices.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
        >>> logit_adjusted(logits, torch.tensor([0, 1]), counts=[90, 10])
        tensor([0.1054, 2.3026])

    References:
        Menon et al. 2021, Long-tail Learning via Logit Adjustment, eq. 10.
    """
    check_number("tau", tau, lambda t: t >= 0, "at least 0")
    check_indices(logits, target)
    logits = at_least_fp32(logits)
    log_share = _positive_counts(counts, logits).log()
    return surprisal(logits + (tau * log_share).reshape(-1, *[1] * (logits.ndim - 2)), target)


def ldam(
    logits: Logits,
    target: Labels,
    *,
    counts: Sequence[float] | None = None,
    max_margin: float = 0.5,
    scale: float = 30.0,
) -> Tensor:
    r"""Label-distribution-aware margin loss: the rarer the class, the wider the margin it must win.

    $$\ell = -\log \frac{e^{s\,(z_y - \Delta_y)}}{e^{s\,(z_y - \Delta_y)}
      + \sum_{c \ne y} e^{s\,z_c}}, \qquad \Delta_c = m\left(\frac{\min_j n_j}{n_c}\right)^{1/4}$$

    Estimates:
        A classifier whose boundaries lie nearer the frequent classes; no probabilities.

    Gradient:
        $s$ times softmax of the shifted, scaled logits less the one-hot target: bounded by $s$, and
        never zero while the answer is wrong.

    Use:
        Rare classes overfit; with logits that are cosines, in [−1, 1], for which margin and scale
        are meant.

    Avoid:
        Logits without bound outgrow the margin, and the scale makes their steps steep.

    Relatives:
        cross_entropy: what it is with `max_margin=0`, `scale=1`.
        logit_adjusted: shifts every class's logit, not the true one's alone, and is consistent.
        crammer_singer: one margin for all classes, and no gradient beyond it.

    Args:
        logits: $z$, `[batch, classes, *spatial]`.
        target: class indices $y$, `[batch, *spatial]`.
        counts: $n$, how many training examples each class has; a common factor changes nothing. It
            must be given.
        max_margin: $m \ge 0$, the margin of the rarest class.
        scale: $s > 0$, the inverse temperature.

    Returns:
        $\ell$ in nats, `[batch, *spatial]`.

    Raises:
        ValueError: counts that are missing, not positive or not one per class, an option outside
            its range, one channel, or a target that holds no class indices.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[0.5, 0.3], [0.3, 0.5]])
        >>> ldam(logits, torch.tensor([0, 1]), counts=[1600, 100])
        tensor([1.7014, 9.0001])

    References:
        Cao et al. 2019, Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss,
        eq. 12 and 13; the scale is from the authors' code.
    """
    check_number("max_margin", max_margin, lambda m: m >= 0, "at least 0")
    check_number("scale", scale, lambda s: s > 0, "positive")
    check_indices(logits, target)
    logits = at_least_fp32(logits)
    by_class = _positive_counts(counts, logits)
    margin = max_margin * (by_class.amin() / by_class) ** 0.25
    index = target.long()
    shifted = logits.scatter_add(1, index.unsqueeze(1), -margin[index].unsqueeze(1))
    return surprisal(scale * shifted, index)


def _positive_counts(counts: Sequence[float] | None, logits: Tensor) -> Tensor:
    if counts is None:
        raise ValueError(
            f"counts must be given: how many training examples each of the {logits.shape[1]} "
            "classes has"
        )
    if not isinstance(counts, Tensor) and not all(count > 0 for count in counts):
        raise ValueError(f"counts must be positive, one per class; got {counts}")
    return per_class("counts", counts, logits.shape[1], logits)
