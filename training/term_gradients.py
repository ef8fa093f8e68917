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


def cosines(gradients: TermGradients) -> dict[str, float]:
    """The cosine of each two terms' gradients, as `TERM/TERM`: below 0 they are in conflict.

    Those of a term without a gradient are 0.
    """
    flat = {
        name: {place: part.flatten() for place, part in enumerate(parts) if part is not None}
        for name, parts in gradients.items()
    }

    def product(one: str, other: str) -> float:
        both = flat[one].keys() & flat[other].keys()
        return sum(float(flat[one][place] @ flat[other][place]) for place in both)

    found = {}
    for one, other in combinations(flat, 2):
        size = (product(one, one) * product(other, other)) ** 0.5
        found[f"{one}/{other}"] = product(one, other) / size if size else 0.0
    return found
