"""What values an argument of a loss may take, declared beside its name.

A loss annotates its tensors, `def bce(logits: Logits, target: Unit)`. The loss itself never tests
them, since it must not branch on tensor values; preflight and `losslab check` do, through
`Domain.violation`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Domain:
    """The values that one argument may take.

    Args:
        description: the domain in words, as it stands in an error message.
        accepts: elementwise test of the argument, given the loss's other arguments and options.
    """

    description: str
    accepts: Callable[[Tensor, Arguments], Tensor]

    def violation(self, value: Tensor, arguments: Arguments) -> str | None:
        """What is wrong with `value`, in words that name the offending values, or None.

        >>> UNIT.violation(torch.tensor([0.0, 0.5, 3.0]), {})
        '1 of 3 values are not in [0, 1]: 3'
        """
        wrong = value[~self.accepts(value, arguments)]
        if wrong.numel() == 0:
            return None
        examples = ", ".join(f"{v:g}" for v in torch.unique(wrong.double())[:5].tolist())
        return (
            f"{wrong.numel():,} of {value.numel():,} values are not {self.description}: {examples}"
        )


def _real(value: Tensor, _: Arguments) -> Tensor:
    return torch.isfinite(value)


def _unit(value: Tensor, _: Arguments) -> Tensor:
    return (value >= 0) & (value <= 1)


def _non_negative(value: Tensor, _: Arguments) -> Tensor:
    return (value >= 0) & torch.isfinite(value)


def _labels(value: Tensor, arguments: Arguments) -> Tensor:
    logits = arguments["logits"]
    if value.shape == logits.shape:
        return _unit(value, arguments)
    if value.shape != logits.shape[:1] + logits.shape[2:]:
        return torch.ones_like(value, dtype=torch.bool)  # a wrong shape is the loss's to refuse
    return torch.isin(value, torch.arange(logits.shape[1], device=value.device))


def _signs(value: Tensor, arguments: Arguments) -> Tensor:
    if value.shape != arguments["logits"].shape:
        return _labels(value, arguments)
    low = -1 if arguments.get("labels") == "pm1" else 0
    return (value == low) | (value == 1)


REAL = Domain("finite numbers", _real)
UNIT = Domain("in [0, 1]", _unit)
NON_NEGATIVE = Domain("non-negative finite numbers", _non_negative)
LABELS = Domain("class indices 0…classes−1 (or, shaped like the logits, in [0, 1])", _labels)
SIGNS = Domain("0 and 1 (with labels=pm1: −1 and 1; class indices for several channels)", _signs)

Logits = Annotated[Tensor, REAL]
Real = Annotated[Tensor, REAL]
Unit = Annotated[Tensor, UNIT]
Labels = Annotated[Tensor, LABELS]
Signs = Annotated[Tensor, SIGNS]
Weight = Annotated[Tensor, NON_NEGATIVE]
