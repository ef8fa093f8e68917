"""Losses for errors that differ in price: a matrix says what each confusion costs."""

from collections.abc import Sequence
from math import isfinite

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_indices, paired
from .domains import Labels, Logits
from .reduction import at_least_fp32

CostMatrix = Sequence[Sequence[float]]


def expected_cost(
    logits: Logits, target: Labels, *, cost_matrix: CostMatrix | None = None
) -> Tensor:
    r"""Expected cost: the price of answering at random with the model's own probabilities.

    $$\ell = \sum_j C_{yj}\, p_j, \qquad p = \operatorname{softmax}(z)$$

    for class $y$ and the cost $C_{yj}$ of calling it $j$; with one channel $p = (1-\sigma(z),
    \sigma(z))$.

    Estimates:
        The class of least expected cost $\sum_y P(y)\,C_{yj}$, with probability 1: a decision, not
        probabilities.
    Gradient:
        $p_j\,(C_{yj} - \ell)$ for $z_j$: it vanishes where the answer is certain, also where it is
        certain and wrong.
    Use:
        To fine-tune a trained classifier to the costs it will be judged by, or beside
        `cross_entropy`, which pulls where this does not.
    Avoid:
        From scratch: a confidently wrong start stays where it is.
    Relatives:
        cost_weighted_cross_entropy: the same decision, with a gradient that does not vanish.
        l1: without a matrix, half of its sum over the classes' probabilities.
        cross_entropy: for probabilities, to be combined with the costs at decision time.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: class indices $y$, `[batch, *spatial]`; for one channel in [0, 1] and shaped like
            the logits.
        cost_matrix: $C$, one row per true class and one column per answer, at least 0; two of each
            for one channel. None is 1 for every error: then $\ell = 1 - p_y$.

    Returns:
        $\ell$ in the costs' unit, `[batch, *spatial]`; shaped like the logits for one channel.

    Raises:
        ValueError: a target or a matrix of the wrong shape, or a cost that is negative.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0, 0.0]])
        >>> costs = [[0, 1, 1], [10, 0, 1], [1, 1, 0]]  # calling class 1 "0" costs ten
        >>> expected_cost(logits, torch.tensor([0]), cost_matrix=costs)
        tensor([0.2130])
        >>> expected_cost(logits, torch.tensor([1]), cost_matrix=costs)
        tensor([7.9764])

    References:
        Elkan 2001, The Foundations of Cost-Sensitive Learning, eq. 1 (with rows and columns
        exchanged).
    """
    if logits.ndim > 1 and logits.shape[1] == 1:
        logits, target = paired(logits, target)
        costs = _matrix(cost_matrix, 2, logits)
        p, q = logits.sigmoid(), (-logits).sigmoid()
        negative = costs[0, 0] * q + costs[0, 1] * p
        positive = costs[1, 0] * q + costs[1, 1] * p
        return (1 - target) * negative + target * positive
    check_indices(logits, target)
    probability = at_least_fp32(logits).softmax(1)
    costs = _matrix(cost_matrix, logits.shape[1], probability)
    return (_rows(costs, target) * probability).sum(1)


def cost_weighted_cross_entropy(
    logits: Logits, target: Labels, *, cost_matrix: CostMatrix | None = None
) -> Tensor:
    r"""Cost-weighted cross-entropy: pushes each wrong class away as hard as that error is dear.

    $$\ell = -\sum_{j \ne y} C_{yj} \log(1 - p_j), \qquad p = \operatorname{softmax}(z)$$

    for class $y$ and the cost $C_{yj}$ of calling it $j$; with one channel $p = (1-\sigma(z),
    \sigma(z))$.

    Estimates:
        The class of least expected cost, as its most probable: with $a_j = \sum_y P(y)\,C_{yj}$
        the minimiser is $p_j = \max(0, 1 - a_j/\lambda)$, with $\lambda$ such that they sum to 1.
        For more than two classes these are not the class probabilities, even without a matrix.
    Gradient:
        Of one term $C_{yj}$ for $z_j$ times $p_j$, and $-C_{yj}\,p_j p_k/(1-p_j)$ for the others:
        bounded by the cost, and never zero while a dear error is probable.
    Use:
        When one confusion must cost far more than its reverse.
    Avoid:
        When costs differ by the true class only: `cross_entropy` with class weights. When the costs
        may change later: train for probabilities and decide afterwards.
    Relatives:
        expected_cost: its first-order term for small $p_j$; exact, but without gradient where sure.
        cross_entropy: for two classes and no matrix it is this.
        bce: with one channel and no matrix it is this; $C_{10}$ is then its `pos_weight`.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: class indices $y$, `[batch, *spatial]`; for one channel in [0, 1] and shaped like
            the logits.
        cost_matrix: $C$, one row per true class and one column per answer, at least 0 and 0 on the
            diagonal; two of each for one channel. None is 1 for every error.

    Returns:
        $\ell$ in nats times the unit of the costs, `[batch, *spatial]`; shaped like the logits for
        one channel.

    Raises:
        ValueError: a target or a matrix of the wrong shape, a negative cost, or one on the
            diagonal.

    Example:
        >>> logits, target = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([1])
        >>> cost_weighted_cross_entropy(logits, target)
        tensor([1.6590])
        >>> costs = [[0, 1, 1], [10, 0, 1], [1, 1, 0]]  # calling class 1 "0" costs ten
        >>> cost_weighted_cross_entropy(logits, target, cost_matrix=costs)
        tensor([15.5766])

    References:
        The terms of wrong classes in Ho & Wookey 2020, The Real-World-Weight Cross-Entropy Loss
        Function; their term for the true class is left out. The minimiser is derived here.
    """
    if logits.ndim > 1 and logits.shape[1] == 1:
        logits, target = paired(logits, target)
        costs = _matrix(cost_matrix, 2, logits, diagonal=False)
        positive = costs[1, 0] * target * F.logsigmoid(logits)
        return -positive - costs[0, 1] * (1 - target) * F.logsigmoid(-logits)
    check_indices(logits, target)
    log_q = _log_not(at_least_fp32(logits))
    costs = _matrix(cost_matrix, logits.shape[1], log_q, diagonal=False)
    return -(_rows(costs, target) * log_q).sum(1)


def _log_not(logits: Tensor) -> Tensor:
    """log(1 − p) of a softmax over axis 1, exact at both ends.

    At most one p exceeds ½, the largest: there 1 − p is the sum of the others.
    """
    total = logits.logsumexp(1, keepdim=True)
    top = torch.zeros_like(logits, dtype=torch.bool)
    top = top.scatter(1, logits.argmax(1, keepdim=True), True)
    others = logits.masked_fill(top, -torch.inf)
    log_q_of_top = others.logsumexp(1, keepdim=True) - total
    return torch.where(top, log_q_of_top, torch.log1p(-torch.exp(others - total)))


def _rows(costs: Tensor, target: Tensor) -> Tensor:
    """The costs of all answers for each target, `[batch, classes, *spatial]`."""
    # Unlike an index, this refuses a label below 0.
    return F.embedding(target.long(), costs).movedim(-1, 1)


def _matrix(
    cost_matrix: CostMatrix | None, classes: int, like: Tensor, *, diagonal: bool = True
) -> Tensor:
    if cost_matrix is None:
        return 1 - torch.eye(classes, dtype=like.dtype, device=like.device)
    if isinstance(cost_matrix, Tensor):
        costs = cost_matrix.to(like)
    else:
        _check_costs(cost_matrix, diagonal)
        costs = torch.tensor(
            [list(row) for row in cost_matrix], dtype=like.dtype, device=like.device
        )
    if costs.shape != (classes, classes):
        raise ValueError(
            f"cost_matrix needs {classes} rows of {classes} numbers, true classes by answers; "
            f"got {tuple(costs.shape)}"
        )
    return costs


def _check_costs(cost_matrix: CostMatrix, diagonal: bool) -> None:
    lengths = [len(row) for row in cost_matrix]
    if len(set(lengths)) != 1:
        raise ValueError(f"cost_matrix needs rows of one length; got rows of {lengths}")
    entries = [(i, j, c) for i, row in enumerate(cost_matrix) for j, c in enumerate(row)]
    wrong = [c for _, _, c in entries if not (isfinite(c) and c >= 0)]
    if wrong:
        raise ValueError(f"cost_matrix needs finite costs of at least 0; got {wrong}")
    right = [c for i, j, c in entries if i == j and c]
    if right and not diagonal:
        raise ValueError(
            f"cost_matrix needs zeros on its diagonal, where the answer is right; got {right}"
        )
