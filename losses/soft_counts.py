"""Precision, recall and F1 as losses: confusion counts from probabilities, over the whole batch."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_indices, check_number, paired, per_class
from .domains import Labels, Logits, Weight
from .reduction import align, at_least_fp32

_TINY = torch.finfo(torch.float32).tiny  # keeps 0/0 at 0


def soft_f1(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    beta: float = 1.0,
    class_weight: Sequence[float] | None = None,
) -> Tensor:
    r"""Soft F1 loss: trains for the F-score itself, with probabilities in place of decisions.

    $$\ell_c = 1 - \frac{(1+\beta^2)\,\mathrm{TP}_c}{\sum_i w_i p_{ic} + \beta^2 \sum_i w_i y_{ic}}
      \qquad \mathrm{TP}_c = \sum_i w_i\,p_{ic}\,y_{ic} \qquad
      \ell = \frac{\sum_c v_c\,\ell_c}{\sum_c v_c}$$

    over all examples (and pixels) $i$ of the batch and the classes $c$ that occur in it. $p$ is the
    sigmoid where the target is shaped like the logits, and the softmax for class indices.

    Estimates:
        Decisions, not probabilities: $p = 1$ where $P(y{=}1) > F^*/(1+\beta^2)$ and 0 elsewhere,
        with $F^*$ the best F-score that can be reached.
    Gradient:
        For $z_i$ in proportion to $p_i (1-p_i)$: it vanishes where the answer is sure, also where
        it is sure and wrong.
    Use:
        Rare classes that are judged by F1, in batches that hold several positives; often after, or
        added to, `bce`.
    Avoid:
        Small batches: the F1 of the mean is not the mean of F1s. Where probabilities are needed.
    Relatives:
        dice: with `per=batch` and `beta=1` it is this.
        tversky: per batch with $\alpha = 1/(1+\beta^2)$ and $\beta = \beta^2/(1+\beta^2)$ it is
            this.
        soft_precision: for $\beta \to 0$, with a floor on the recall.
        soft_recall: for $\beta \to \infty$, with a floor on the precision.

    Args:
        logits: `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, per sample or per element (with or without a channel axis); 0 leaves out.
        beta: $\beta > 0$, how many times as much recall matters as precision.
        class_weight: $v$, one number per channel; `[0, 1]` is the F1 of class 1. None is 1.

    Returns:
        $\ell$ in [0, 1], one number, `[]`; 0 with zero gradient where no class occurs.

    Raises:
        ValueError: a target, weight or class_weight of the wrong shape, or a beta that is not
            positive.

    Example:
        >>> logits, target = torch.tensor([[3.0], [-1.0], [-3.0]]), torch.tensor([[1], [1], [0]])
        >>> soft_f1(logits, target)
        tensor(0.2527)
        >>> soft_f1(logits, target, beta=2.0)  # one of the two positives is missed
        tensor(0.3411)

    References:
        van Rijsbergen 1979, Information Retrieval, chapter 7. The threshold: Lipton, Elkan &
        Naryanaswamy 2014, Optimal Thresholding of Classifiers to Maximize F1 Measure.
    """
    check_number("beta", beta, lambda b: b > 0, "positive")
    counts = _counts(logits, target, weight)
    recall = torch.exp(counts.hits - counts.true)
    size = torch.exp(counts.answered - counts.true)
    values = 1 - (1 + beta**2) * recall / (size + beta**2)
    return _mean_over_present(values, counts, class_weight)


def soft_precision(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    min_recall: float = 0.5,
    penalty: float = 5.0,
    class_weight: Sequence[float] | None = None,
) -> Tensor:
    r"""Soft precision loss: what is called positive shall be so, with a floor on the recall.

    $$\ell_c = 1 - P_c + \lambda \max\left(0, \log\frac{r}{R_c}\right) \qquad
      P_c = \frac{\sum_i w_i\,p_{ic}\,y_{ic}}{\sum_i w_i\,p_{ic}} \qquad
      R_c = \frac{\sum_i w_i\,p_{ic}\,y_{ic}}{\sum_i w_i\,y_{ic}}$$

    and $\ell$ is the mean over the classes $c$ that occur in the batch, as in `soft_f1`. Precision
    alone is best when all but the surest example is refused; the penalty, which is without bound
    as the recall falls, makes that the worst answer.

    Estimates:
        Decisions: positive are the examples most probably so, as many as the floor demands.
    Gradient:
        $p_i(1-p_i)(P - y_i)/\sum_j p_j$ for $z_i$ and, below the floor, $-\lambda\,y_i p_i(1-p_i)/
        \sum_j y_j p_j$: unlike that of the recall itself it stays when all answers are near 0.
    Use:
        When a false alarm is dear and a share of missed cases is accepted.
    Avoid:
        Batches with few positives. To choose a threshold for a wanted precision, train for
        probabilities (`bce`) and set it afterwards.
    Relatives:
        soft_recall: the other way round.
        soft_f1: both at once, without a floor.

    Args:
        logits: `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, per sample or per element (with or without a channel axis); 0 leaves out.
        min_recall: $r$ in (0, 1], the floor.
        penalty: $\lambda \ge 0$; too small a one lets the recall settle below the floor.
        class_weight: one number per channel; `[0, 1]` is the precision of class 1. None is 1.

    Returns:
        $\ell$, at least 0, one number, `[]`; 0 with zero gradient where no class occurs.

    Raises:
        ValueError: a target, weight or class_weight of the wrong shape, or an option outside its
            range.

    Example:
        >>> logits, target = torch.tensor([[3.0], [-1.0], [-3.0]]), torch.tensor([[1], [1], [0]])
        >>> soft_precision(logits, target)
        tensor(0.0374)
        >>> soft_precision(logits - 5, target)  # hardly anything is called positive
        tensor(10.5347)

    References:
        Precision at a floor on recall: Eban et al. 2017, Scalable Learning of Non-Decomposable
        Objectives. The soft counts and the logarithmic penalty are ours.
    """
    check_number("min_recall", min_recall, lambda r: 0 < r <= 1, "in (0, 1]")
    check_number("penalty", penalty, lambda x: x >= 0, "at least 0")
    counts = _counts(logits, target, weight)
    log_precision, log_recall = counts.hits - counts.answered, counts.hits - counts.true
    values = -torch.expm1(log_precision) + penalty * F.relu(_log(min_recall) - log_recall)
    return _mean_over_present(values, counts, class_weight)


def soft_recall(
    logits: Logits,
    target: Labels,
    weight: Weight | None = None,
    *,
    min_precision: float = 0.5,
    penalty: float = 5.0,
    class_weight: Sequence[float] | None = None,
) -> Tensor:
    r"""Soft recall loss: what is positive shall be found, with a floor on the precision.

    $$\ell_c = 1 - R_c + \lambda \max\left(0, \log\frac{\pi}{P_c}\right) \qquad
      R_c = \frac{\sum_i w_i\,p_{ic}\,y_{ic}}{\sum_i w_i\,y_{ic}} \qquad
      P_c = \frac{\sum_i w_i\,p_{ic}\,y_{ic}}{\sum_i w_i\,p_{ic}}$$

    and $\ell$ is the mean over the classes $c$ that occur in the batch, as in `soft_f1`. Recall
    alone is best when everything is called positive; that has the precision of chance, and costs
    where chance is below the floor.

    Estimates:
        Decisions: positive are the examples most probably so, as many as the floor allows.
    Gradient:
        $-p_i(1-p_i)\,y_i/\sum_j y_j$ for $z_i$ and, below the floor, $\lambda\,p_i(1-p_i)
        (1 - y_i/P)/\sum_j p_j$. It vanishes where the answer is sure, also where it is sure and
        wrong.
    Use:
        When a missed case is dear and a share of false alarms is accepted.
    Avoid:
        Floors below the share of positives: everything is then called positive. Batches with few
        positives.
    Relatives:
        soft_precision: the other way round.
        soft_f1: both at once, without a floor.

    Args:
        logits: `[batch, channels, *spatial]`.
        target: $y$ in [0, 1] and shaped like the logits, or class indices `[batch, *spatial]`.
        weight: $w$, per sample or per element (with or without a channel axis); 0 leaves out.
        min_precision: $\pi$ in (0, 1], the floor.
        penalty: $\lambda \ge 0$; too small a one lets the precision settle below the floor.
        class_weight: one number per channel; `[0, 1]` is the recall of class 1. None is 1.

    Returns:
        $\ell$, at least 0, one number, `[]`; 0 with zero gradient where no class occurs.

    Raises:
        ValueError: a target, weight or class_weight of the wrong shape, or an option outside its
            range.

    Example:
        >>> logits, target = torch.tensor([[3.0], [-1.0], [-3.0]]), torch.tensor([[1], [0], [0]])
        >>> soft_recall(logits, target)
        tensor(0.0474)
        >>> soft_recall(logits + 9, target)  # everything is called positive
        tensor(2.0227)

    References:
        Recall at a floor on precision: Eban et al. 2017, Scalable Learning of Non-Decomposable
        Objectives. The soft counts and the logarithmic penalty are ours.
    """
    check_number("min_precision", min_precision, lambda p: 0 < p <= 1, "in (0, 1]")
    check_number("penalty", penalty, lambda x: x >= 0, "at least 0")
    counts = _counts(logits, target, weight)
    log_precision, log_recall = counts.hits - counts.answered, counts.hits - counts.true
    values = -torch.expm1(log_recall) + penalty * F.relu(_log(min_precision) - log_precision)
    return _mean_over_present(values, counts, class_weight)


class _Counts(NamedTuple):
    """Logarithms of weighted sums over the batch, `[channels]`.

    In logarithms a ratio of counts keeps its value and gradient where every probability is tiny.
    """

    hits: Tensor  # Σ w p y
    answered: Tensor  # Σ w p
    true: Tensor  # Σ w y
    present: Tensor  # whether Σ w y > 0; the others are filled


def _counts(logits: Tensor, target: Tensor, weight: Tensor | None) -> _Counts:
    if target.shape == logits.shape or (logits.ndim > 1 and logits.shape[1] == 1):
        logits, truth = paired(logits, target)
        log_p = F.logsigmoid(logits)
    else:
        check_indices(logits, target)
        log_p = at_least_fp32(logits).log_softmax(1)
        # Unlike a comparison with each class, this refuses a label that is no class.
        truth = torch.zeros_like(log_p).scatter(1, target.long().unsqueeze(1), 1)
    if weight is None:
        weight = log_p.new_ones(())
    else:
        dtype = torch.promote_types(weight.dtype, log_p.dtype)
        weight = align(weight.to(dtype), log_p)
    weight = weight.expand_as(log_p)
    log_p, truth, weight = (t.transpose(0, 1).flatten(1) for t in (log_p, weight * truth, weight))
    present = truth.sum(1) > 0
    filled = torch.where(present.unsqueeze(1), truth, 1)
    hits = (log_p + filled.log()).logsumexp(1)
    answered = (log_p + torch.where(present.unsqueeze(1), weight, 1).log()).logsumexp(1)
    return _Counts(hits, answered, filled.sum(1).log(), present)


def _mean_over_present(
    values: Tensor, counts: _Counts, class_weight: Sequence[float] | None
) -> Tensor:
    share = counts.present.to(values.dtype)
    if class_weight is not None:
        share = share * per_class("class_weight", class_weight, len(values), values)
    return (share * values).sum() / share.sum().clamp(min=_TINY)


def _log(x: float | Tensor) -> float | Tensor:
    return x.log() if isinstance(x, Tensor) else math.log(x)
