"""Proximal steps: what takes a gradient's place for a loss with a kink.

A loss of the parameters that has one carries it as its attribute `prox`: a function that is called
with the parameters, a step and the loss's own options, and returns those that move, by name.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from torch import Tensor

Prox = Callable[..., dict[str, Tensor]]
_Loss = TypeVar("_Loss", bound=Callable[..., Tensor])


def with_prox(prox: Prox) -> Callable[[_Loss], _Loss]:
    r"""Give a loss its proximal step, for the optimizers that take it instead of the gradient.

    $$\operatorname{prox}(w; s) = \arg\min_v \; \tfrac12 \lVert v - w \rVert^2 + s\,\ell(v)$$

    >>> import torch
    >>> @with_prox(lambda parameters, step: {"weight": soft_threshold(parameters["weight"], step)})
    ... def lasso(parameters):
    ...     return parameters["weight"].abs().sum()
    >>> prox_of(lasso)({"weight": torch.tensor([3.0, -0.2])}, 0.5)
    {'weight': tensor([2.5000, -0.0000])}

    Args:
        prox: of the parameters by name, a step $s > 0$, and the loss's options by keyword.
    """

    def mark(loss: _Loss) -> _Loss:
        loss.prox = prox  # type: ignore[attr-defined]  # functions may carry attributes
        return loss

    return mark


def prox_of(loss: Any) -> Prox | None:
    """The loss's proximal step; None if it has none."""
    return getattr(loss, "prox", None)


def soft_threshold(w: Tensor, step: float) -> Tensor:
    r"""The proximal step of $|w|$: towards zero by `step`, and exactly zero within it.

    $$\operatorname{sign}(w)\,\max(|w| - s, 0)$$

    Donoho & Johnstone 1994, Ideal Spatial Adaptation by Wavelet Shrinkage.
    """
    return w.sign() * (w.abs() - step).clamp(min=0)
