"""Heads for one-hot targets, written into the loss, since a model here gives logits."""

import torch.nn.functional as F
from torch import Tensor


def sigmoid_mse(logits: Tensor, target: Tensor) -> Tensor:
    """Squared error of a sigmoid for each class: its gradient fades where the answer is sure.

    Args:
        logits: `[batch, classes]`.
        target: one-hot, `[batch, classes]`.
    """
    return (logits.sigmoid() - target).square()


def sigmoid_bce(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of a sigmoid for each class, from probabilities.

    Args:
        logits: `[batch, classes]`.
        target: one-hot, `[batch, classes]`.
    """
    return F.binary_cross_entropy(logits.sigmoid(), target, reduction="none")


def sigmoid_before_bce_with_logits(logits: Tensor, target: Tensor) -> Tensor:
    """A mismatch: the loss applies a sigmoid itself.

    Args:
        logits: `[batch, classes]`.
        target: one-hot, `[batch, classes]`.
    """
    return F.binary_cross_entropy_with_logits(logits.sigmoid(), target, reduction="none")


def softmax_before_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """A mismatch: the loss applies a softmax itself.

    Args:
        logits: `[batch, classes]`.
        target: one-hot, `[batch, classes]`.
    """
    return F.cross_entropy(logits.softmax(1), target, reduction="none")
