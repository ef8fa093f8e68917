"""What is minimised: losses as pure functions of named tensors, schedules, terms, the objective.

A loss is called with tensors by position and options by keyword, and returns unreduced values:

    >>> import torch
    >>> bce(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]]), label_smoothing=0.1)
    tensor([[0.6931],
            [0.2269]])

`Term` weighs and reduces them, and `Objective` is the sum of the terms.
"""

from .classification import bce, cross_entropy, focal, hinge
from .latent import gaussian_kl
from .objective import Objective, ObjectiveValue
from .regression import huber, l1, mse
from .regularisers import l1_norm, l2_norm
from .schedules import (
    Constant,
    Cosine,
    Cyclical,
    Exponential,
    Linear,
    Schedule,
    Sigmoid,
    Step,
)
from .segmentation import dice
from .term import Term

__all__ = [
    "Constant",
    "Cosine",
    "Cyclical",
    "Exponential",
    "Linear",
    "Objective",
    "ObjectiveValue",
    "Schedule",
    "Sigmoid",
    "Step",
    "Term",
    "bce",
    "cross_entropy",
    "dice",
    "focal",
    "gaussian_kl",
    "hinge",
    "huber",
    "l1",
    "l1_norm",
    "l2_norm",
    "mse",
]
