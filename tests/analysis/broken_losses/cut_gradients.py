"""Losses whose gradient never arrives, as people write them."""

import numpy as np
import torch
import torch.nn.functional as F


def accuracy_loss(logits, target):
    """Finds: gradient cut. Names: argmax."""
    predicted = logits.argmax(dim=1)
    return 1 - (predicted == target).float().mean()


def precision_of_class_one(y_pred, y_true):
    """Finds: gradient cut. Names: >."""
    predicted = (torch.sigmoid(y_pred) > 0.5).float()
    tp = (predicted * y_true).sum()
    fp = (predicted * (1 - y_true)).sum()
    return 1 - tp / (tp + fp + 1e-7)


def rounded_dice(y_pred, y_true):
    """Finds: gradient zero. Names: round."""
    mask = torch.round(torch.sigmoid(y_pred))
    inter = (mask * y_true).sum()
    return 1 - (2 * inter + 1) / (mask.sum() + y_true.sum() + 1)


def python_number(prediction, target):
    """Finds: gradient cut. Names: item."""
    error = ((prediction - target) ** 2).mean().item()
    return torch.tensor(error, requires_grad=True)


def fresh_tensor(y_pred, y_true):
    """Finds: gradient cut. Names: tolist."""
    total = 0.0
    for p, t in zip(y_pred.flatten().tolist(), y_true.flatten().tolist(), strict=True):
        total += abs(p - t)
    return torch.tensor([total / y_pred.numel()], requires_grad=True)


def through_numpy(prediction, target):
    """Finds: gradient cut. Names: detach."""
    p = prediction.detach().cpu().numpy()
    t = target.detach().cpu().numpy()
    return torch.tensor(np.mean((p - t) ** 2), requires_grad=True)


def detached(prediction, target):
    """Finds: gradient cut. Names: detach."""
    return F.mse_loss(prediction.detach(), target, reduction="none").requires_grad_()


def through_data(prediction, target):
    """Finds: gradient cut. Names: data."""
    return (prediction.data - target).abs()


def integer_error(prediction, target):
    """Finds: gradient cut. Names: long."""
    return (prediction.long() - target).float() ** 2


def without_grad(logits, target):
    """Finds: gradient cut. Names: cross_entropy."""
    with torch.no_grad():
        return F.cross_entropy(logits, target)


def hard_spearman(y_pred, y_true):
    """Finds: gradient cut. Names: argsort."""

    def ranks(x):
        return x.argsort(0).argsort(0).float()

    a, b = ranks(y_pred), ranks(y_true)
    a, b = a - a.mean(0), b - b.mean(0)
    return 1 - (a * b).sum() / (a.norm() * b.norm())


def sign_disagreement(y_pred, y_true):
    """Finds: gradient zero. Names: sign."""
    return (1 - torch.sign(y_pred) * torch.sign(y_true)) / 2


def hard_hinge(y_pred, y_true):
    """Finds: gradient cut. Names: !=."""
    return ((y_pred > 0).float() != y_true).float()


def branch_on_the_value(prediction, target):
    """Finds: gradient cut. Names: float."""
    error = float((prediction - target).abs().mean())
    if error > 1:
        return torch.tensor(error)
    return torch.tensor(0.5 * error**2)


def energy_of_the_batch(logits, target):
    """Finds: constant."""
    return (target.float() ** 2).mean() + 0.1


def mse_plus_detached_term(prediction, target):
    """Finds: gradient differs. Names: detach."""
    return (prediction - target) ** 2 + 10 * prediction.detach().pow(2)
