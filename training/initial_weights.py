"""A model that starts from weights that were written down."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    from torch import nn


def start_from(model: "nn.Module", weights: Mapping[str, Any]) -> None:
    """Give parameters of the model the values in `weights`; all others stay as they were drawn.

    Args:
        model: changed in place.
        weights: nested lists of numbers by the parameter's name, `{"layers.0.weight": [[1, 2]]}`.

    Raises:
        UserError: the model has no such parameter, or it has another shape.
    """
    import torch

    if not isinstance(weights, Mapping):
        raise UserError(f"initial_weights must be a mapping of parameters' names; got {weights!r}")
    parameters = dict(model.named_parameters())
    for name, values in weights.items():
        if name not in parameters:
            near = get_close_matches(str(name), parameters, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UserError(
                f"initial_weights: {type(model).__name__} has no parameter {name}.{hint} "
                f"It has {', '.join(parameters)}"
            )
        parameter = parameters[name]
        try:
            given = torch.tensor(values, dtype=parameter.dtype)
        except (ValueError, TypeError) as error:
            raise UserError(f"initial_weights.{name} is no table of numbers: {error}") from error
        if given.shape != parameter.shape:
            raise UserError(
                f"initial_weights.{name} must have shape {list(parameter.shape)}; "
                f"got {list(given.shape)}"
            )
        with torch.no_grad():
            parameter.copy_(given)
