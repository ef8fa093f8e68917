"""From one weight per class to one weight per value of a loss."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


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
        or, if the loss sums over them, the expected weight of the class, `[batch, *spatial]`.

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
