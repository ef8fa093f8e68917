"""Losses that people wrote and that do not learn, for the doctor.

losslab check losslab.experiments.does_not_learn.added_value

Each is found with the operation that is to blame, why it is, and what to write instead.
"""

import torch
from torch import Tensor


def added_value(logits: Tensor, target: Tensor) -> Tensor:
    """A cost of the answers, counted with NumPy, added to the loss: it changes the number only."""
    bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    positives = (logits.detach().numpy() > 0).mean()
    return bce + 5 * float(positives)


def precision(logits: Tensor, target: Tensor) -> Tensor:
    """One minus the precision of class 1, counted."""
    found = (logits.argmax(1) == 1).float()
    right = found * (target == 1)
    return 1 - right.sum() / found.sum().clamp(min=1)


def argmax(logits: Tensor, target: Tensor) -> Tensor:
    """The share of wrong answers."""
    return (logits.argmax(1) != target).float()


def rounding(logits: Tensor, target: Tensor) -> Tensor:
    """The error of the rounded probability."""
    return (torch.sigmoid(logits).round() - target).abs()


def detached(prediction: Tensor, target: Tensor) -> Tensor:
    """The squared error of an answer that was cut off, dressed up as differentiable again."""
    return ((prediction.detach() - target) ** 2).requires_grad_()


def fresh_tensor(prediction: Tensor, target: Tensor) -> Tensor:
    """The mean error, taken out as a number and put into a new tensor."""
    error = (prediction - target).abs().mean().item()
    return torch.tensor(error, requires_grad=True)
