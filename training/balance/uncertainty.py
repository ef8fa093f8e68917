"""Uncertainty weighting: a learned scale for each term."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...losses.objective import ObjectiveValue
from .balance import Balance


class Uncertainty(Balance):
    r"""A learned scale for each term, as if it were a likelihood whose noise is unknown.

    $$\sum_i \tfrac12 e^{-s_i} L_i + \tfrac12 s_i$$

    with a log-variance $s_i = \log \sigma_i^2$ for each term $L_i$, which already has the weight
    that the user gave it. A term settles where $e^{s_i} = L_i$: there its factor is
    $1 / (2 L_i)$, so that each is felt relative to its own size, whatever its unit. This is the
    form of a regression, eq. 7. That of a classification, $e^{-s_i} L_i + \tfrac12 s_i$, eq. 10,
    is the same with $s_i$ shifted by $\log 2$.

    It is made for terms that stay above 0: elsewhere the factor grows without bound. Factors grow
    as losses fall, which acts like a rising learning rate.

    >>> from losslab.losses.objective import ObjectiveValue
    >>> values = {"near": torch.tensor(1.0), "far": torch.tensor(9.0)}
    >>> value = ObjectiveValue(sum(values.values()), values, {"near": 1.0, "far": 1.0})
    >>> balance = Uncertainty(["near", "far"])
    >>> balance(value).backward()
    >>> balance.factors(), balance.log_variance.grad
    (tensor([0.5000, 0.5000]), tensor([ 0., -4.]))

    Args:
        terms: the names of those that are balanced.
        lr: learning rate of the log-variances.

    References:
        Kendall, Gal & Cipolla 2018, Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
        Geometry and Semantics, eq. 7 and 10.
    """

    def __init__(self, terms: Sequence[str], *, lr: float = 0.01) -> None:
        super().__init__(terms, lr)
        self.log_variance = nn.Parameter(torch.zeros(len(terms)))

    def forward(self, value: ObjectiveValue) -> Tensor:
        """See `Balance.forward`."""
        half = 0.5 * torch.exp(-self.log_variance)
        return (half * self.stacked(value) + 0.5 * self.log_variance).sum()

    def factors(self) -> Tensor:
        """See `Balance.factors`."""
        return 0.5 * torch.exp(-self.log_variance.detach())
