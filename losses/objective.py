"""The objective: the sum of the terms that a run minimises."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from torch import Tensor, nn

from .term import Tensors, Term


class ObjectiveValue(NamedTuple):
    """What the objective is made of at one moment.

    Args:
        total: Σ weight · value, the number to differentiate; `[]`.
        values: each term's reduced value before its weight; `[]` each.
        weights: each term's weight at this time.
    """

    total: Tensor
    values: dict[str, Tensor]
    weights: dict[str, float]

    @property
    def contributions(self) -> dict[str, Tensor]:
        """Each term's weight · value; they sum to the total."""
        return {name: self.weights[name] * value for name, value in self.values.items()}


class Objective(nn.Module):
    r"""$\sum_i w_i(t)\,\ell_i$ over the terms $i$, at training time $t$ in epochs.

    Args:
        terms: at least one, with distinct names.

    Raises:
        ValueError: no term, or two of one name.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        super().__init__()
        self.terms = tuple(terms)
        self._registered = nn.ModuleList(self.terms)  # so that `.to(device)` reaches them
        if not self.terms:
            raise ValueError("an objective needs at least one term: choose a loss, e.g. loss=dice")
        names = [term.name for term in self.terms]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"terms need names of their own; used twice: {', '.join(twice)}")

    def bind(self, batch: Collection[str], outputs: Collection[str], main_output: str) -> None:
        """Bind every term by name, and raise one ValueError that lists all that is missing."""
        problems = []
        for term in self.terms:
            try:
                term.bind(batch, outputs, main_output)
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise ValueError("\n".join(problems))

    def forward(self, tensors: Tensors, time: float) -> ObjectiveValue:
        """The objective of one batch; `tensors` holds the batch, the outputs and `parameters`."""
        values: dict[str, Tensor] = {}
        weights: dict[str, float] = {}
        total: Tensor | None = None
        for term in self.terms:
            value = values[term.name] = term.forward(tensors)
            weight = weights[term.name] = term.weight_at(time)
            # A weight may also be a tensor, whose value must not be asked.
            contribution = value if isinstance(weight, float) and weight == 1 else weight * value
            total = contribution if total is None else total + contribution
        assert total is not None
        return ObjectiveValue(total, values, weights)
