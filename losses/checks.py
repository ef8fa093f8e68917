"""What a loss checks before it computes: shapes and options, never the values of a tensor."""

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor


def check_number(name: str, value: object, accept: Callable[[float], bool], words: str) -> None:
    """Raise unless the option is an accepted number.

    Where many runs are trained at once, a numeric option is a 0-dim tensor under `vmap`. That
    passes: a tensor's value may not be asked, see also `is_zero`.

    Raises:
        ValueError: naming the option, what it must be and what it is.
    """
    if isinstance(value, Tensor):
        return
    if not isinstance(value, int | float) or not accept(value):
        raise ValueError(f"{name} must be {words}; got {value}")


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Raise unless the option is one of the choices.

    Raises:
        ValueError: naming the option and its choices.
    """
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value}")


def is_zero(value: object) -> bool:
    """Whether the option is the number 0; a tensor never is."""
    return not isinstance(value, Tensor) and value == 0


def paired(answer: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """A model's answer and a target of the same shape, in one dtype of at least single precision.

    Raises:
        ValueError: the shapes differ, as (n, 1) and (n,), which would broadcast to n × n.
    """
    if answer.shape != target.shape:
        no_channel_axis = answer.shape[:1] + answer.shape[2:]
        hint = ""
        if target.shape == no_channel_axis:
            one = answer.shape[1] == 1
            hint = "; use target.unsqueeze(1)" if one else "; for class indices use cross_entropy"
        raise ValueError(
            f"expected a target shaped like the model's answer {tuple(answer.shape)}, "
            f"got {tuple(target.shape)}{hint}"
        )
    if answer.dtype == target.dtype == torch.float32:
        return answer, target
    dtype = torch.promote_types(torch.promote_types(answer.dtype, target.dtype), torch.float32)
    return answer.to(dtype), target.to(dtype)


def check_indices(logits: Tensor, target: Tensor) -> None:
    """Raise unless logits `[batch, classes, *spatial]` meet class indices `[batch, *spatial]`.

    Raises:
        ValueError: fewer than two channels, another shape, or a target that is not of integers.
    """
    if logits.ndim < 2 or logits.shape[1] < 2:
        raise ValueError(
            f"class indices need one channel per class, at least 2; the logits have shape "
            f"{tuple(logits.shape)}. For one channel use bce, and a target of the same shape"
        )
    expected = logits.shape[:1] + logits.shape[2:]
    if target.shape != expected or target.is_floating_point():
        one_hot = "; the indices of a one-hot target are target.argmax(1)"
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} need integer class indices of shape "
            f"{tuple(expected)}; got {target.dtype} of shape {tuple(target.shape)}"
            f"{one_hot if target.shape == logits.shape else ''}"
        )


def class_mask(target: Tensor, classes: int) -> Tensor:
    """Where each class is, `[batch, classes, *spatial]` bool, from indices `[batch, *spatial]`."""
    index = torch.arange(classes, device=target.device)
    return target.unsqueeze(1) == index.reshape(-1, *[1] * (target.ndim - 1))


def per_class(name: str, values: Sequence[float] | Tensor, classes: int, like: Tensor) -> Tensor:
    """An option with one number per class (or channel) as a tensor `[classes]`.

    Raises:
        ValueError: another number of entries.
    """
    vector = torch.as_tensor(values, dtype=like.dtype, device=like.device)
    if vector.shape != (classes,):
        raise ValueError(f"{name} needs {classes} numbers, one per class; got {values}")
    return vector
