"""A loss's value and gradient along one axis, computed from the function itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError
from ..losses.names import Signature
from .axis import View
from .views import candidates

Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Profile:
    """Values and gradients of a loss at points of an axis.

    Args:
        name: what the loss is called.
        view: what the axis is.
        x: the points.
        value: the mean of the loss's values at each.
        gradient: its derivative along the axis.
    """

    name: str
    view: View
    x: tuple[float, ...]
    value: tuple[float, ...]
    gradient: tuple[float, ...]


def profile(
    loss: Loss,
    view: View,
    x: Sequence[float] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    name: str = "",
) -> Profile:
    """The loss and its derivative at each point of the view.

    >>> from ..losses import mse
    >>> from ..losses.names import read_signature
    >>> residual = find_views("mse", mse, read_signature(mse))[0]
    >>> profile(mse, residual, [-1.0, 3.0]).gradient
    (-2.0, 6.0)

    Args:
        loss: a loss function.
        view: the axis, and the inputs along it.
        x: the points; None takes those of the view's table.
        options: the loss's options.
        name: what the loss is called.
    """
    x = view.points if x is None else x
    pairs = [_value_and_gradient(loss, view, point, options or {}) for point in x]
    values, gradients = zip(*pairs, strict=True)
    return Profile(name, view, tuple(x), values, gradients)


def _value_and_gradient(
    loss: Loss, view: View, x: float, options: Mapping[str, Any]
) -> tuple[float, float]:
    point = torch.tensor(x, dtype=torch.double, requires_grad=True)
    with torch.enable_grad():
        value = loss(**view.build(point), **options).mean()
        if not value.requires_grad:
            return value.item(), 0.0
        (gradient,) = torch.autograd.grad(value, point, allow_unused=True)
    return value.item(), 0.0 if gradient is None else gradient.item()


def find_views(
    name: str, loss: Loss, signature: Signature, options: Mapping[str, Any] | None = None
) -> list[View]:
    """The views in which the loss can be called and says something, the most natural first.

    Args:
        name: what the loss is called, for messages.
        loss: a loss function.
        signature: the tensors it asks for.
        options: its options.

    Raises:
        UserError: there is none; the text says what the loss asks for.
    """
    options = dict(options or {})
    asked = [tensor for tensor in signature.tensors if tensor not in options]
    found: dict[str, View] = {}
    refusals: list[Exception] = []
    for candidate in candidates(asked, signature.optional, _length(options)):
        view = _trimmed(candidate, signature, options)
        if view is None or view.axis in found:
            continue
        try:
            if _suits(loss, view, options):
                found[view.axis] = _with_twin(loss, view, signature, options)
        except Exception as error:  # a loss may refuse inputs in any way: this view isn't for it
            refusals.append(error)
    if found:
        return list(found.values())
    said = dict.fromkeys(str(error) for error in refusals)
    if len(said) == 1:
        raise UserError(f"{name} has no curve: {next(iter(said))}")
    why = f". Called with the first that fits, it says: {next(iter(said))}" if said else ""
    raise UserError(
        f"{name} has no curve: it asks for {', '.join(asked) or 'nothing'}, and no single "
        f"number (a margin, a residual, a ratio, one parameter) stands for it{why}"
    )


def _length(options: Mapping[str, Any]) -> int | None:
    """How many classes or answers the options speak of: the length of their longest list."""
    lengths = [len(value) for value in options.values() if isinstance(value, list | tuple)]
    return max(lengths, default=None)


def _with_twin(loss: Loss, view: View, signature: Signature, options: Mapping[str, Any]) -> View:
    """The view, with its twin only where the loss takes it and answers it otherwise."""
    alone = replace(view, case="", twin=None)
    twin = _trimmed(view.twin, signature, options) if view.twin else None
    if twin is None:
        return alone
    try:
        suits = _suits(loss, twin, options)
        seen = [profile(loss, v, view.points, options=options) for v in (view, twin)]
    except Exception:  # as above
        return alone
    here, there = (torch.tensor([p.value, p.gradient]) for p in seen)
    return replace(view, twin=twin) if suits and not torch.allclose(here, there) else alone


def _trimmed(view: View, signature: Signature, options: Mapping[str, Any]) -> View | None:
    """The view where the loss's inputs lie in their domains; None if hardly anywhere."""
    points = [x for x in view.points if _inside(view, x, signature, options)]
    if len(points) < 3:
        return None
    if len(points) == len(view.points):
        return view
    steps = [view.low + (view.high - view.low) * i / 80 for i in range(81)]
    inside = [x for x in steps if _inside(view, x, signature, options)]
    return replace(view, points=tuple(points), low=inside[0], high=inside[-1])


def _inside(view: View, x: float, signature: Signature, options: Mapping[str, Any]) -> bool:
    tensors = view.build(torch.tensor(x, dtype=torch.double))
    arguments = {**tensors, **options}
    try:
        return all(
            domain.violation(tensors[name], arguments) is None
            for name, domain in signature.domains.items()
            if isinstance(tensors.get(name), Tensor)
        )
    except (KeyError, IndexError):  # a domain that looks at a tensor which this view lacks
        return False


def _suits(loss: Loss, view: View, options: Mapping[str, Any]) -> bool:
    """Whether the loss takes such inputs, and answers them with a finite gradient."""
    points = view.points[1:-1]
    seen = profile(loss, view, points, options=options)
    moves = bool(view.moves) and not _stays(loss, view, points, options)
    finite = torch.isfinite(torch.tensor([seen.value, seen.gradient])).all()
    return bool(finite) and sum(g != 0 for g in seen.gradient) > 1 and not moves


def _stays(loss: Loss, view: View, points: Sequence[float], options: Mapping[str, Any]) -> bool:
    """Whether answer and target can move together without changing the loss."""
    for x in points:
        tensors = view.build(torch.tensor(x, dtype=torch.double))
        moved = {n: t + 0.7 if n in view.moves else t for n, t in tensors.items()}
        here, there = loss(**tensors, **options), loss(**moved, **options)
        if not torch.allclose(here.double(), there.double(), rtol=1e-5, atol=1e-8):
            return False
    return True
