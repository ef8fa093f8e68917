"""Who pulls the weights where: the gradients of the terms, beside one another."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor, nn

TermGradients = Mapping[str, Sequence[Tensor | None]]
"""By term, its gradient by each weight; None where it does not depend on it."""


def term_gradients(contributions: Mapping[str, Tensor], weights: Sequence[Tensor]) -> TermGradients:
    """The gradient of each term's contribution to the objective by each weight."""
    return {
        name: torch.autograd.grad(value, weights, retain_graph=True, allow_unused=True)
        if value.requires_grad
        else [None] * len(weights)
        for name, value in contributions.items()
    }


def shares(gradients: TermGradients) -> dict[str, float]:
    """Each term's share of the sum of the terms' gradient norms."""
    norms = {
        name: float(nn.utils.get_total_norm([part for part in parts if part is not None]))
        for name, parts in gradients.items()
    }
    total = sum(norms.values()) or 1.0
    return {name: norm / total for name, norm in norms.items()}


def module_shares(gradients: TermGradients, names: Sequence[str]) -> dict[str, float]:
    """The shares within each module that the model is made of, as `TERM/MODULE`.

    Args:
        gradients: of the terms.
        names: of the weights, in their order; what stands before the first dot is the module.
    """
    modules = [name.split(".")[0] for name in names]
    found: dict[str, float] = {}
    for module in dict.fromkeys(modules):
        own = [place for place, name in enumerate(modules) if name == module]
        parts = {term: [each[place] for place in own] for term, each in gradients.items()}
        found |= {f"{term}/{module}": share for term, share in shares(parts).items()}
    return found


def gram(gradients: TermGradients) -> Tensor:
    """The inner products of the terms' gradients, `[terms, terms]`.

    >>> one, other = [torch.tensor([3.0, 4.0]), None], [torch.tensor([0.0, 1.0]), torch.ones(2)]
    >>> gram({"one": one, "other": other})
    tensor([[25.,  4.],
            [ 4.,  3.]])
    """
    products = []
    for parts in zip(*gradients.values(), strict=True):
        known = next((part for part in parts if part is not None), None)
        if known is not None:
            rows = [torch.zeros_like(known) if part is None else part for part in parts]
            flat = torch.stack([row.flatten() for row in rows])
            products.append(flat @ flat.T)
    return torch.stack(products).sum(0) if products else torch.zeros(len(gradients), len(gradients))


def cosines(gradients: TermGradients) -> dict[str, float]:
    """The cosine of each two terms' gradients, as `TERM/TERM`: below 0 they are in conflict.

    Those of a term without a gradient are 0.
    """
    products = gram(gradients).tolist()
    found = {}
    for (row, one), (column, other) in combinations(enumerate(gradients), 2):
        size = (products[row][row] * products[column][column]) ** 0.5
        found[f"{one}/{other}"] = products[row][column] / size if size else 0.0
    return found
