"""From how often a class occurs to its weight, and from there to each value of a loss."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .checks import check_number


def effective_number(counts: Sequence[float], beta: float = 0.999) -> list[float]:
    r"""Class weights from counts: between all equal and one over the count.

    $$w_c \propto \frac{1-\beta}{1-\beta^{n_c}}, \qquad \sum_c w_c = C$$

    $(1-\beta^n)/(1-\beta)$ is the effective number of $n$ examples, some of which resemble others.
    With `beta=0` every class weighs 1; as $\beta$ tends to 1 the weight tends to $1/n_c$.

    In a configuration it stands where the weights would:

        class_weight:
          _target_: losslab.losses.effective_number
          counts: [900, 90, 10]
          beta: 0.999

    >>> [round(weight, 3) for weight in effective_number([900, 90, 10])]
    [0.044, 0.306, 2.649]

    Args:
        counts: $n$, how many training examples each class has.
        beta: $\beta$ in [0, 1).

    Returns:
        One weight per class, 1 on average.

    Raises:
        ValueError: a count that is not positive, or a beta outside its range.

    References:
        Cui et al. 2019, Class-Balanced Loss Based on Effective Number of Samples, section 4.
    """
    check_number("beta", beta, lambda b: 0 <= b < 1, "in [0, 1)")
    for count in counts:
        check_number("counts", count, lambda n: n > 0, "positive, one per class")
    # 1 − βⁿ is −expm1(n log β), which keeps its digits for β near 1.
    inverse = [-1 / math.expm1(count * math.log(beta)) if beta else 1.0 for count in counts]
    return [weight * len(inverse) / sum(inverse) for weight in inverse]


def in_order(class_weight: Sequence[float] | Mapping[int, float]) -> list[float]:
    """The weights in the order of the classes.

    >>> in_order({1: 9.0, 0: 1.0})
    [1.0, 9.0]

    Raises:
        ValueError: a mapping whose keys are not all the classes from 0.
    """
    if not isinstance(class_weight, Mapping):
        return list(class_weight)
    weights = {int(label): weight for label, weight in class_weight.items()}
    if sorted(weights) != [*range(len(weights))]:
        raise ValueError(
            f"class_weight gives each class its weight, {{0: 1, 1: 9}}; got {dict(class_weight)}"
        )
    return [weights[label] for label in range(len(weights))]


def by_class(
    class_weight: Tensor, target: Tensor, arguments: Iterable[Any], shape: torch.Size
) -> Tensor:
    """The weight of each of a loss's values, from the class of its target.

    Args:
        class_weight: one weight per class, `[classes]`; two for a target of one channel.
        target: class indices `[batch, *spatial]`, or `[batch, channels, *spatial]`.
        arguments: what the loss was called with; a tensor with one axis more than the target, its
            channels, tells that the target holds class indices.
        shape: of the loss's values.

    Returns:
        `[batch, *spatial]` for class indices; for one channel shaped like the target, with the
        expected weight where it lies between 0 and 1. For several channels, the channel's weight,
        or, if the loss sums over them, the expected weight of the class, `[batch, *spatial]`. So a
        soft target's value is weighed as a whole, where torch weighs each class's summand.

    Raises:
        ValueError: another number of weights than there are classes.
    """
    classes = _classes_of_indices(target, arguments)
    if classes:
        return _checked(class_weight, classes)[target.long()]
    if target.ndim < 2 or target.shape[1] == 1:
        weights = _checked(class_weight, 2)
        # The clamp is for targets of ±1, where −1 is class 0.
        return weights[0] + (weights[1] - weights[0]) * target.clamp(min=0)
    by_channel = _checked(class_weight, target.shape[1]).reshape(-1, *[1] * (target.ndim - 2))
    if shape == target.shape:
        return by_channel.expand_as(target)
    return (by_channel * target).sum(1)


def _classes_of_indices(target: Tensor, arguments: Iterable[Any]) -> int:
    """How many classes there are if the target holds class indices, else 0."""
    for value in arguments:
        if (
            isinstance(value, Tensor)
            and value.ndim == target.ndim + 1
            and value.shape[:1] + value.shape[2:] == target.shape
            and not target.is_floating_point()
        ):
            return value.shape[1]
    return 0


def _checked(class_weight: Tensor, classes: int) -> Tensor:
    if len(class_weight) != classes:
        raise ValueError(
            f"class_weight needs {classes} numbers, one per class; got {len(class_weight)}"
        )
    return class_weight
