"""Losses that turn NaN, infinite or flat."""

import torch
import torch.nn.functional as F


def bce_by_hand(logits, target):
    """Finds: not finite. Names: log."""
    p = torch.sigmoid(logits)
    return -(target * torch.log(p) + (1 - target) * torch.log(1 - p))


def cross_entropy_by_hand(logits, target):
    """Finds: not finite. Names: exp."""
    e = torch.exp(logits)
    p = e / e.sum(dim=1, keepdim=True)
    return -torch.log(p.gather(1, target.unsqueeze(1))).squeeze(1)


def log_of_softmax(logits, target):
    """Finds: not finite. Names: log."""
    log_p = torch.log(torch.softmax(logits, dim=1))
    return -log_p.gather(1, target.unsqueeze(1)).squeeze(1)


def rmse(prediction, target):
    """Finds: gradient not finite. Names: sqrt."""
    return torch.sqrt(((prediction - target) ** 2).mean())


def euclidean_distance(prediction, target):
    """Finds: gradient not finite. Names: sqrt."""
    return torch.sqrt(((prediction - target) ** 2).sum(dim=1))


def weighted_by_rarity(logits, target):
    """Finds: not finite. Names: target.numel() / target.sum()."""
    rarity = target.numel() / target.sum()
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return loss * (target * rarity + (1 - target))


def dice_of_every_class(logits, target):
    """Finds: class absence."""
    p = logits.softmax(1).flatten(2)
    t = F.one_hot(target, logits.shape[1]).movedim(-1, 1).flatten(2).to(p.dtype)
    overlap = 2 * (p * t).sum(2) / (p.sum(2) + t.sum(2) + 1e-6)
    return 1 - overlap.mean(1)


def masked_mean(logits, target):
    """Finds: not finite. Names: mean."""
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return loss[target > 0].mean()


def correlation(y_pred, y_true):
    """Finds: not finite. Names: div."""
    a = y_pred - y_pred.mean()
    b = y_true - y_true.mean()
    return 1 - (a * b).sum() / (a.pow(2).sum().sqrt() * b.pow(2).sum().sqrt())


def where_and_log(probability, target):
    """Finds: gradient not finite. Names: log."""
    safe = torch.where(probability > 0, torch.log(probability), torch.zeros_like(probability))
    return -target * safe


def focal_with_a_root(logits, target):
    """Finds: gradient not finite. Names: pow."""
    p = torch.sigmoid(logits)
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (target * (1 - p) + (1 - target) * p) ** 0.5 * bce


def naive_log_cosh(prediction, target):
    """Finds: not finite|overflow. Names: cosh."""
    return torch.log(torch.cosh(prediction - target))


def mdn_by_hand(mixture_logits, mu, log_sigma, target):
    """Finds: not finite. Names: log.

    Args:
        mixture_logits: `[batch, components]`.
        mu: `[batch, components]`.
        log_sigma: `[batch, components]`.
        target: `[batch, 1]`.
    """
    sigma = log_sigma.exp()
    density = torch.exp(-0.5 * ((target - mu) / sigma) ** 2) / (sigma * 2.5066)
    return -torch.log((mixture_logits.softmax(1) * density).sum(1))


def sigmoid_mse(logits, target):
    """Finds: saturation."""
    return (torch.sigmoid(logits) - target) ** 2


def clipped_bce(y_pred, y_true):
    """Finds: saturation."""
    p = torch.clamp(torch.sigmoid(y_pred), 1e-3, 1 - 1e-3)
    return -(y_true * p.log() + (1 - y_true) * (1 - p).log())


def summed_in_half(prediction, target):
    """Finds: half precision overflow."""
    return ((prediction - target) ** 2).sum()


def always_float(prediction, target):
    """Finds: double precision lost."""
    return (prediction.float() - target.float()) ** 2
