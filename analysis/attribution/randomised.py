"""A check of sanity: an explanation of what was learnt must change when what was learnt is lost."""

from copy import deepcopy

import torch
from torch import Tensor

from ...training.step import EagerStep


def randomised(step: EagerStep, seed: int = 0) -> EagerStep:
    """The same model with the values of each of its parameters shuffled, so that their sizes stay.

    Args:
        step: answers as in use; it is left as it is.
        seed: of the order.

    References:
        J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim, Sanity checks for
        saliency maps. NeurIPS (2018), section 3.
    """
    other = deepcopy(step)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in other.parameters.values():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.reshape(-1)[order].view_as(parameter))
    return other


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's, between the values of each sample; the mean over samples where it is defined.

    >>> ranks = torch.tensor([[1.0, 2.0, 3.0]])
    >>> rank_correlation(ranks, ranks**3), rank_correlation(ranks, -ranks)
    (1.0, -1.0)

    Args:
        one: `[samples, ...]`.
        other: of the same shape.

    Returns:
        In [-1, 1]; NaN if it is defined for no sample.
    """
    from scipy.stats import rankdata

    ranks = [
        torch.from_numpy(rankdata(t.detach().flatten(1).cpu().numpy(), axis=1))
        for t in (one, other)
    ]
    a, b = (r - r.mean(1, keepdim=True) for r in ranks)
    found = (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1)).sqrt()
    return round(found.nanmean().item(), 6)
