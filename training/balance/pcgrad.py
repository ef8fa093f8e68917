"""PCGrad: no term's gradient works against another's."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...losses.objective import ObjectiveValue
from ..term_gradients import gram, term_gradients
from .balance import Balance


class PCGrad(Balance):
    r"""Takes out of each term's gradient what works against another's.

    Each gradient $g_i$ meets the others in random order; where it is in conflict with one,
    $g_i \cdot g_j < 0$, it is projected onto the plane that is normal to it:

    $$g_i \leftarrow g_i - \frac{g_i \cdot g_j}{\lVert g_j \rVert^2}\, g_j$$

    and the weights move by the sum of what is left. Of two terms, neither then rises to first order
    for the sake of the other. The result is a sum $\sum_j a_j g_j$ of the gradients as they were,
    so the inner products of the $g_i$ are all that is needed to find the $a_j$; `balance/TERM` is
    the mean of $a_j$ over an epoch, 1 where there never was a conflict.

    It costs one way back through the model for each term.

    Args:
        terms: the names of those that are balanced.
        model: whose weights are trained.

    References:
        Yu, Kumar, Gupta, Levine, Hausman & Finn 2020, Gradient Surgery for Multi-Task Learning,
        algorithm 1.
    """

    sums: Tensor
    steps: Tensor

    def __init__(self, terms: Sequence[str], model: nn.Module) -> None:
        super().__init__(terms)
        self._weights = [p for p in model.parameters() if p.requires_grad]
        self.register_buffer("sums", torch.zeros(len(terms)))  # of the factors since last told
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, value: ObjectiveValue) -> Tensor:
        """A number that has the wanted gradient; the number itself says nothing."""
        gradients = term_gradients(self.contributions(value), self._weights)
        factors = surgery(gram(gradients)).to(self.sums)
        self.sums += factors
        self.steps += 1
        total = self.sums.new_zeros(())
        for weight, parts in zip(self._weights, zip(*gradients.values(), strict=True), strict=True):
            pulls = [f * part for f, part in zip(factors, parts, strict=True) if part is not None]
            if pulls:  # the gradient of ⟨w, g⟩ by w is g
                total = total + (weight * torch.stack(pulls).sum(0)).sum()
        return total

    def factors(self) -> Tensor:
        """One each: the gradients as they are before the surgery."""
        return torch.ones_like(self.sums)

    def epoch_factors(self) -> dict[str, float]:
        """The mean factors since they were last told; they are counted anew from here."""
        means = (self.sums / self.steps.clamp_min(1)).tolist()
        self.sums.zero_()
        self.steps.zero_()
        return dict(zip(self.terms, means, strict=True))


def surgery(products: Tensor) -> Tensor:
    """How much of each gradient is in the sum of the projected ones, `[terms]`.

    >>> surgery(torch.tensor([[1.0, -1.0], [-1.0, 2.0]]))  # of (1, 0) and (−1, 1)
    tensor([2.0000, 1.5000], dtype=torch.float64)

    Args:
        products: of each two gradients, `[terms, terms]`.
    """
    products = products.cpu().double()
    terms = len(products)
    projected = torch.eye(terms, dtype=torch.float64)  # each as a sum of the original ones
    for term in range(terms):
        for other in torch.randperm(terms).tolist():
            along = projected[term] @ products[other]
            if other != term and along < 0:
                projected[term, other] -= along / products[other, other]
    return projected.sum(0)
