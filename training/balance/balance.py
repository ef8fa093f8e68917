"""What all balances have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...losses.names import FROM_THE_STEP
from ...losses.objective import Objective, ObjectiveValue


def balanced_terms(objective: Objective) -> list[str]:
    """The terms of the data, by name; what looks at the parameters alone keeps its own weight.

    Args:
        objective: bound.
    """
    return [
        term.name
        for term in objective.terms
        if any(source not in FROM_THE_STEP for source in term.sources.values())
    ]


class Balance(nn.Module, ABC):
    """Decides how much each term brings to the gradient.

    Its parameters are moved by the run's optimizer, in a group without weight decay; they and its
    buffers are part of the run's checkpoints.

    Args:
        terms: the names of those that are balanced.
        lr: learning rate of its own parameters, if it has any.

    Raises:
        ValueError: fewer than two terms, or a learning rate that is not positive.
    """

    def __init__(self, terms: Sequence[str], lr: float | None = None) -> None:
        super().__init__()
        if len(terms) < 2:
            raise ValueError(
                "it weighs terms of the data against each other, and there is "
                f"{f'only {terms[0]}' if terms else 'none'}: add one, as in loss=dice+bce, or set "
                "balance=none"
            )
        if lr is not None and not lr > 0:
            raise ValueError(f"lr must be positive; got {lr}")
        self.terms = tuple(terms)
        self.lr = lr

    @abstractmethod
    def forward(self, value: ObjectiveValue) -> Tensor:
        """The number whose gradient takes the place of that of the terms' sum, `[]`.

        Args:
            value: of one batch, with the graph that leads to the weights.
        """

    @abstractmethod
    def factors(self) -> Tensor:
        """What each term's gradient is multiplied by, `[terms]`."""

    def check(self, value: ObjectiveValue) -> None:
        """See that terms of this kind can be balanced, on a first small batch.

        Raises:
            ValueError: they can't.
        """

    def epoch_factors(self) -> dict[str, float]:
        """What each term's gradient is multiplied by, told once at the end of an epoch."""
        return dict(zip(self.terms, self.factors().tolist(), strict=True))

    def contributions(self, value: ObjectiveValue) -> dict[str, Tensor]:
        """The contributions of the balanced terms, `[]` each."""
        found = value.contributions
        return {name: found[name] for name in self.terms}

    def stacked(self, value: ObjectiveValue) -> Tensor:
        """The contributions as one tensor, `[terms]`."""
        return torch.stack(list(self.contributions(value).values()))
