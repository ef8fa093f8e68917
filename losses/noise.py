"""Cross-entropies that a share of wrong labels can't lead astray."""

import torch
from torch import Tensor

from .checks import check_number
from .classification import surprisal
from .domains import Labels, Logits


def generalized_cross_entropy(logits: Logits, target: Labels, *, q: float = 0.7) -> Tensor:
    r"""Generalized cross-entropy: bounded, so that an answer far from its label pulls less.

    $$\ell = \frac{1 - p_y^q}{q}, \qquad p = \operatorname{softmax}(z)$$

    for the probability $p_y$ of the class that the label $y$ names.

    Estimates:
        The most probable class; the larger $q$, the more its probability tends to 1. A uniform
        share of wrong labels leaves that class the same.

    Gradient:
        That of cross-entropy times $p_y^q$: by definition it vanishes where the answer is
        confidently another than the label.

    Use:
        A noticeable share of the labels is wrong.

    Avoid:
        The labels are right: hard examples are given up as if they were wrong, and many classes
        may never start to learn with $q$ near 1.

    Relatives:
        cross_entropy: its limit as `q` tends to 0.
        symmetric_cross_entropy: keeps cross-entropy beside the bounded part.
        brier: bounded too, and estimates probabilities.
        focal: the opposite: it turns towards what is answered badly.

    Args:
        logits: $z$, `[batch, classes, *spatial]`.
        target: class indices $y$, `[batch, *spatial]`.
        q: $q$ in (0, 1]; at 1 it is half the mean absolute error of the probabilities.

    Returns:
        $\ell$ in [0, 1/q], `[batch, *spatial]`.

    Raises:
        ValueError: one channel, a target that holds no class indices, or a q outside its range.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0, 0.0], [-9.0, 0.0, 0.0]])
        >>> generalized_cross_entropy(logits, torch.tensor([0, 0]))
        tensor([0.2205, 1.4270])

    References:
        Zhang & Sabuncu 2018, Generalized Cross Entropy Loss for Training Deep Neural Networks with
        Noisy Labels, section 3.
    """
    check_number("q", q, lambda q: 0 < q <= 1, "in (0, 1]")
    return -torch.expm1(-q * surprisal(logits, target)) / q


def symmetric_cross_entropy(
    logits: Logits,
    target: Labels,
    *,
    alpha: float = 0.1,
    beta: float = 1.0,
    log_zero: float = -4.0,
) -> Tensor:
    r"""Symmetric cross-entropy: cross-entropy, and its mirror image that wrong labels barely move.

    $$\ell = -\alpha \log p_y - \beta\,A\,(1 - p_y), \qquad p = \operatorname{softmax}(z)$$

    The second part is the reverse cross-entropy $-\sum_c p_c \log y_c$ of the one-hot label $y$,
    with $\log 0$ written as $A$.

    Estimates:
        The most probable class, with a probability beyond the true one; with $\beta=0$ its
        probability.

    Gradient:
        That of cross-entropy times $\alpha - \beta\,A\,p_y$: the share $\alpha$ is never zero while
        the answer differs from the label, the rest is bounded and fades with $p_y$.

    Use:
        Some labels are wrong, and a purely bounded loss learns too slowly.

    Avoid:
        The probabilities are used.

    Relatives:
        cross_entropy: what it is with `alpha=1`, `beta=0`.
        generalized_cross_entropy: the second part is $-\beta A$ times that with `q=1`.
        poly1: the same function: `alpha=1` and $\epsilon=-\beta A$.

    Args:
        logits: $z$, `[batch, classes, *spatial]`.
        target: class indices $y$, `[batch, *spatial]`.
        alpha: $\alpha \ge 0$, the weight of cross-entropy.
        beta: $\beta \ge 0$, the weight of its mirror image.
        log_zero: $A < 0$, what stands for $\log 0$.

    Returns:
        $\ell$ in nats, `[batch, *spatial]`.

    Raises:
        ValueError: one channel, a target that holds no class indices, or an option outside its
            range.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0, 0.0], [-9.0, 0.0, 0.0]])
        >>> symmetric_cross_entropy(logits, torch.tensor([0, 0]))
        tensor([0.8760, 4.9691])

    References:
        Wang et al. 2019, Symmetric Cross Entropy for Robust Learning with Noisy Labels.
    """
    check_number("alpha", alpha, lambda a: a >= 0, "at least 0")
    check_number("beta", beta, lambda b: b >= 0, "at least 0")
    check_number("log_zero", log_zero, lambda a: a < 0, "negative")
    values = surprisal(logits, target)
    return alpha * values + beta * log_zero * torch.expm1(-values)
