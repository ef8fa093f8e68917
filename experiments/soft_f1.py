"""Precision as a loss, as it is first written: `losslab check` says why neither trains."""

from torch import Tensor


def precision_of_positives(logits: Tensor, target: Tensor) -> Tensor:
    """1 − precision of class 1, from hard decisions: argmax has no gradient.

    Args:
        logits: `[batch, classes]`.
        target: class indices, `[batch]`.
    """
    predicted = (logits.argmax(dim=1) == 1).float()
    positive = (target == 1).float()
    return 1 - (predicted * positive).sum() / (predicted.sum() + 1e-7)


def soft_precision_alone(logits: Tensor, target: Tensor) -> Tensor:
    """1 − precision, from probabilities: with nothing called positive it is as good as right.

    Args:
        logits: `[batch, 1]`.
        target: 0 and 1, `[batch, 1]`.
    """
    probability = logits.sigmoid()
    hits = (probability * target).sum()
    return 1 - (hits + 1) / (probability.sum() + 1)
