"""Cross-entropy as a series in the probability of being wrong, with another first coefficient."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_number, paired
from .classification import surprisal
from .domains import Labels, Logits
from .elementwise import elementwise


def poly1(logits: Logits, target: Labels, *, epsilon: float = 1.0) -> Tensor:
    r"""Poly-1 loss: cross-entropy with another weight on the probability of being wrong.

    $$\ell = -\log p_y + \epsilon\,(1-p_y)
      = (1+\epsilon)(1-p_y) + \tfrac12 (1-p_y)^2 + \tfrac13 (1-p_y)^3 + \ldots$$

    for the probability $p_y$ of the true class, from the softmax of several channels, or from
    $\sigma(z)$ of one.

    Estimates:
        The most probable class; for $\epsilon > 0$ by probabilities more extreme than the true
        ones, for $\epsilon < 0$ by less extreme ones.

    Gradient:
        That of cross-entropy times $1 + \epsilon\,p_y$: bounded, and never zero while the answer is
        wrong; at $\epsilon=-1$ it fades quadratically near the right answer.

    Use:
        A network stays too unsure on a balanced task ($\epsilon>0$), or too sure on a rare class
        ($\epsilon<0$); one number to tune.

    Avoid:
        Probabilities are used, since $\epsilon$ shifts them.

    Relatives:
        cross_entropy: what it is for several channels with `epsilon=0`.
        bce: what it is for one channel with `epsilon=0`.
        focal: damps every term of the series, and is so the stronger change.
        generalized_cross_entropy: for large $\epsilon$, $\ell/\epsilon$ is its `q=1`.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: for one channel in [0, 1] and shaped like the logits, the expected value between 0
            and 1; for several, class indices `[batch, *spatial]`.
        epsilon: $\epsilon \ge -1$.

    Returns:
        $\ell$ in nats; shaped like the logits for one channel, else `[batch, *spatial]`.

    Raises:
        ValueError: a target of the wrong shape, or an epsilon below −1.

    Example:
        >>> poly1(torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([0]))
        tensor([0.4526])
        >>> poly1(torch.tensor([[2.0]]), torch.tensor([[1.0]]), epsilon=-1.0)
        tensor([[0.0077]])

    References:
        Leng et al. 2022, PolyLoss: A Polynomial Expansion Perspective of Classification Loss
        Functions.
    """
    check_number("epsilon", epsilon, lambda e: e >= -1, "at least -1")
    if logits.ndim > 1 and logits.shape[1] > 1:
        values = surprisal(logits, target)
        return values - epsilon * torch.expm1(-values)
    logits, target = paired(logits, target)
    return elementwise(_sigmoid_poly1, logits, target, epsilon)


def _sigmoid_poly1(logits: Tensor, target: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    p, q = logits.sigmoid(), (-logits).sigmoid()
    values = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    values = values + epsilon * torch.lerp(p, q, target)
    return values, p - target + epsilon * ((1 - 2 * target) * (p * q))
