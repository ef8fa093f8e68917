"""What is minimised: losses as pure functions of named tensors, schedules, terms, the objective.

A loss is called with tensors by position and options by keyword, and returns unreduced values:

    >>> import torch
    >>> bce(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]]), label_smoothing=0.1)
    tensor([[0.6931],
            [0.2269]])

`Term` weighs and reduces them, and `Objective` is the sum of the terms.
"""

from .adversarial import (
    adversarial_scores,
    gradient_reversal,
    hinge_gan,
    least_squares_gan,
    non_saturating,
)
from .boundary import boundary, hausdorff_dt
from .cl_dice import cl_dice
from .class_weights import effective_number
from .classification import bce, brier, cross_entropy, nll
from .cost import cost_weighted_cross_entropy, expected_cost
from .crps import crps_ensemble, crps_gaussian
from .deviance import gamma, poisson, tweedie
from .dice import dice, generalized_dice, log_cosh_dice
from .divergence import js_divergence, kl_divergence
from .evidential import evidential
from .focal import asymmetric, focal, sigmoid_focal
from .imbalance import ldam, logit_adjusted
from .latent import gaussian_kl, mmd, total_correlation
from .likelihood import gaussian_nll, laplace_nll, student_t_nll
from .lovasz import lovasz
from .margin import crammer_singer, exponential, hinge, logistic, perceptron, squared_hinge
from .mcc import mcc
from .mixture import mdn_nll
from .noise import generalized_cross_entropy, symmetric_cross_entropy
from .objective import Objective, ObjectiveValue
from .penalties import confidence_penalty, total_variation
from .policy import (
    categorical_log_prob,
    deterministic_policy_gradient,
    gaussian_entropy,
    gaussian_log_prob,
    gaussian_policy_gradient,
    policy_gradient,
)
from .poly1 import poly1
from .ppo import gaussian_ppo_clip, ppo_clip, ppo_value
from .quantile import expectile, quantile
from .regression import huber, l1, log_cosh, mse, smooth_l1
from .regularisers import elastic_net, l1_norm, l2_norm, orthogonality
from .relative import mape, msle, smape
from .returns import discounted_returns, gae, n_step_returns, standardise
from .robust import cauchy, charbonnier, welsch
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
from .sensitivity import double_backprop, gradient_penalty, jacobian_penalty
from .similarity import concordance, cosine, pearson, soft_spearman
from .soft_counts import soft_f1, soft_precision, soft_recall
from .term import Term
from .tversky import focal_tversky, jaccard, tversky

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
    "adversarial_scores",
    "asymmetric",
    "bce",
    "boundary",
    "brier",
    "categorical_log_prob",
    "cauchy",
    "charbonnier",
    "cl_dice",
    "concordance",
    "confidence_penalty",
    "cosine",
    "cost_weighted_cross_entropy",
    "crammer_singer",
    "cross_entropy",
    "crps_ensemble",
    "crps_gaussian",
    "deterministic_policy_gradient",
    "dice",
    "discounted_returns",
    "double_backprop",
    "effective_number",
    "elastic_net",
    "evidential",
    "expected_cost",
    "expectile",
    "exponential",
    "focal",
    "focal_tversky",
    "gae",
    "gamma",
    "gaussian_entropy",
    "gaussian_kl",
    "gaussian_log_prob",
    "gaussian_nll",
    "gaussian_policy_gradient",
    "gaussian_ppo_clip",
    "generalized_cross_entropy",
    "generalized_dice",
    "gradient_penalty",
    "gradient_reversal",
    "hausdorff_dt",
    "hinge",
    "hinge_gan",
    "huber",
    "jaccard",
    "jacobian_penalty",
    "js_divergence",
    "kl_divergence",
    "l1",
    "l1_norm",
    "l2_norm",
    "laplace_nll",
    "ldam",
    "least_squares_gan",
    "log_cosh",
    "log_cosh_dice",
    "logistic",
    "logit_adjusted",
    "lovasz",
    "mape",
    "mcc",
    "mdn_nll",
    "mmd",
    "mse",
    "msle",
    "n_step_returns",
    "nll",
    "non_saturating",
    "orthogonality",
    "pearson",
    "perceptron",
    "poisson",
    "policy_gradient",
    "poly1",
    "ppo_clip",
    "ppo_value",
    "quantile",
    "sigmoid_focal",
    "smape",
    "smooth_l1",
    "soft_f1",
    "soft_precision",
    "soft_recall",
    "soft_spearman",
    "squared_hinge",
    "standardise",
    "student_t_nll",
    "symmetric_cross_entropy",
    "total_correlation",
    "total_variation",
    "tversky",
    "tweedie",
    "welsch",
]
