"""Losses that are differentiable and finite, and teach the wrong thing."""

import torch
import torch.nn.functional as F


def soft_precision(logits, target):
    """Finds: trivial optimum."""
    p = torch.sigmoid(logits)
    tp, fp = (p * target).sum(), (p * (1 - target)).sum()
    return 1 - (tp + 1) / (tp + fp + 1)


def soft_recall(logits, target):
    """Finds: trivial optimum."""
    p = torch.sigmoid(logits)
    return 1 - (p * target).sum() / (target.sum() + 1e-6)


def positives_only(logits, target):
    """Finds: trivial optimum."""
    return -target * F.logsigmoid(logits)


def maximised_by_mistake(logits, target):
    """Finds: wrong sign."""
    return -F.binary_cross_entropy_with_logits(logits, target, reduction="none")


def dice_score(logits, target):
    """Finds: wrong sign."""
    p = torch.sigmoid(logits)
    return (2 * (p * target).sum() + 1) / (p.sum() + target.sum() + 1)


def double_softmax(logits, target):
    """Finds: double activation. Names: cross_entropy."""
    return F.cross_entropy(torch.softmax(logits, dim=1), target, reduction="none")


def double_sigmoid(logits, target):
    """Finds: double activation. Names: binary_cross_entropy_with_logits."""
    p = torch.sigmoid(logits)
    return F.binary_cross_entropy_with_logits(p, target, reduction="none")


def nll_of_logits(logits, target):
    """Finds: logits as probabilities. Names: nll_loss."""
    return F.nll_loss(logits, target, reduction="none")


def nll_of_probabilities(logits, target):
    """Finds: logits as probabilities. Names: nll_loss."""
    return F.nll_loss(logits.softmax(1), target, reduction="none")


def log_of_logits(logits, target):
    """Finds: logits as probabilities. Names: log."""
    return -(target * torch.log(logits.clamp(min=1e-7)))


def squeezed_against_a_column(prediction, target):
    """Finds: broadcasting. Names: sub."""
    return ((prediction[:, 0] - target[:, :1]) ** 2).mean()


def accepts_a_forgotten_axis(prediction, target):
    """Finds: silent broadcasting."""
    return ((prediction - target) ** 2).mean()


def batch_normalised(prediction, target):
    """Finds: rows influence each other."""
    error = (prediction - target) ** 2
    return error / error.sum()


def forgets_small_targets(prediction, target):
    """Finds: not minimal at the truth."""
    return (prediction - target) ** 2 + 5 * prediction**2


def swapped_minus(prediction, target):
    """Finds: not minimal at the truth|wrong sign."""
    return (prediction + target) ** 2


def custom_backward(prediction, target):
    """Finds: gradient differs."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return gradient * x

    return Square.apply(prediction - target)


def not_compilable(prediction, target):
    """Finds: not ready for vmap."""
    error = (prediction - target) ** 2
    return error * (2.0 if error.max() > 1 else 1.0)


def takes_any_label(logits, target):
    """Finds: domain."""
    classes = torch.arange(logits.shape[1])
    one_hot = (target.unsqueeze(1) == classes).to(logits.dtype)
    return -(one_hot * logits.log_softmax(1)).sum(1)


def takes_any_mask(logits, target):
    """Finds: domain."""
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none")


def bce_of_logits(logits, target):
    """Finds: logits as probabilities."""
    return F.binary_cross_entropy(logits, target, reduction="none")
