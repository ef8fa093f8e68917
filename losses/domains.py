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

from .reduction import aligned_beside

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
        wrong = value[~(self.accepts(value, arguments) | _left_out(value, arguments))]
        if wrong.numel() == 0:
            return None
        examples = ", ".join(f"{v:g}" for v in torch.unique(wrong.double())[:5].tolist())
        return (
            f"{wrong.numel():,} of {value.numel():,} values are not {self.description}: {examples}"
        )


def _left_out(value: Tensor, arguments: Arguments) -> Tensor:
    """Elements of weight 0: the term fills them with 0, which need not lie in the domain."""
    weight, target = arguments.get("weight"), arguments.get("target")
    zero = aligned_beside(target, weight == 0, value) if isinstance(weight, Tensor) else None
    return torch.zeros_like(value, dtype=torch.bool) if zero is None else zero


def _real(value: Tensor, _: Arguments) -> Tensor:
    return torch.isfinite(value)


def _unit(value: Tensor, _: Arguments) -> Tensor:
    return (value >= 0) & (value <= 1)


def _non_negative(value: Tensor, _: Arguments) -> Tensor:
    return (value >= 0) & torch.isfinite(value)


def _non_zero(value: Tensor, _: Arguments) -> Tensor:
    return (value != 0) & torch.isfinite(value)


def _positive(value: Tensor, _: Arguments) -> Tensor:
    return (value > 0) & torch.isfinite(value)


def _amount(value: Tensor, arguments: Arguments) -> Tensor:
    below_two = arguments.get("power", 0) < 2
    return _non_negative(value, arguments) if below_two else _positive(value, arguments)


def _log_probability(value: Tensor, _: Arguments) -> Tensor:
    return value <= 0


def _distribution(value: Tensor, arguments: Arguments) -> Tensor:
    inside = _unit(value, arguments)
    if value.ndim < 2 or value.shape[1] == 1:
        return inside
    return inside & ((value.sum(1, keepdim=True) - 1).abs() < 1e-3)


def _labels(value: Tensor, arguments: Arguments) -> Tensor:
    logits = arguments["logits"] if "logits" in arguments else arguments["log_prob"]
    if value.shape == logits.shape:
        return _unit(value, arguments)
    if value.shape != logits.shape[:1] + logits.shape[2:]:
        return torch.ones_like(value, dtype=torch.bool)  # a wrong shape is the loss's to refuse
    return torch.isin(value, torch.arange(logits.shape[1], device=value.device))


def _hard_labels(value: Tensor, arguments: Arguments) -> Tensor:
    if value.shape != arguments["logits"].shape:
        return _labels(value, arguments)
    return (value == 0) | (value == 1)


def _signs(value: Tensor, arguments: Arguments) -> Tensor:
    if value.shape != arguments["logits"].shape:
        return _labels(value, arguments)
    low = -1 if arguments.get("labels") == "pm1" else 0
    return (value == low) | (value == 1)


REAL = Domain("finite numbers", _real)
UNIT = Domain("in [0, 1]", _unit)
NON_NEGATIVE = Domain("non-negative finite numbers", _non_negative)
POSITIVE = Domain("positive finite numbers", _positive)
NON_ZERO = Domain("finite numbers other than 0", _non_zero)
AMOUNT = Domain("non-negative finite numbers (with power ≥ 2 positive)", _amount)
LOG_PROBABILITY = Domain("log-probabilities, at most 0", _log_probability)
DISTRIBUTION = Domain("probabilities that sum to 1 over the channels", _distribution)
LABELS = Domain("class indices 0…classes−1 (or, shaped like the logits, in [0, 1])", _labels)
HARD_LABELS = Domain(
    "class indices 0…classes−1 (or, shaped like the logits, 0 and 1)", _hard_labels
)
SIGNS = Domain("0 and 1 (with labels=pm1: −1 and 1; class indices for several channels)", _signs)

Logits = Annotated[Tensor, REAL]
Real = Annotated[Tensor, REAL]
Unit = Annotated[Tensor, UNIT]
LogProbability = Annotated[Tensor, LOG_PROBABILITY]
Distribution = Annotated[Tensor, DISTRIBUTION]
Labels = Annotated[Tensor, LABELS]
HardLabels = Annotated[Tensor, HARD_LABELS]
Signs = Annotated[Tensor, SIGNS]
NonNegative = Annotated[Tensor, NON_NEGATIVE]
Positive = Annotated[Tensor, POSITIVE]
Amount = Annotated[Tensor, AMOUNT]
NonZero = Annotated[Tensor, NON_ZERO]
Weight = Annotated[Tensor, NON_NEGATIVE]
