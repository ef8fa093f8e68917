"""Equations whose parameters are to be found."""

import inspect
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


class Equation(nn.Module):
    r"""An equation in x with unknown parameters: what is learnt is their values.

    $$f_1(x, \theta) = f_2(x, \theta)$$

    The two sides are functions of yours. Each takes the input, `[batch, features]`, and then its
    parameters; a parameter's default is where it starts, and those of one name are one parameter.
    The left side is the prediction and the right side its target, so any loss of the two, `mse`,
    `l1` or `huber`, weighs their difference, and its gradient reaches $\theta$ on both sides.
    Without a right side, the left is fitted to the target of the data.

    Args:
        left: $f_1$, `path/to/file.py:name` or a dotted path; gives `[batch]` or
            `[batch, outputs]`.
        right: $f_2$, shaped like it.
        start: where parameters start, by name, in place of their defaults.

    Raises:
        ValueError: a parameter without a number to start from, or none at all, two defaults for one
            parameter, or a start for one that neither side has.

    Example:
        >>> def growth(x, rate=1.0): return rate * x[:, 0]
        >>> def decline(x, level=2.0, rate=1.0): return level - rate * x[:, 1]
        >>> model = Equation(growth, decline, start={"level": 3.0})
        >>> {name: p.item() for name, p in model.theta.items()}
        {'rate': 1.0, 'level': 3.0}
        >>> {name: side.tolist() for name, side in model(torch.tensor([[1.0, 4.0]])).items()}
        {'prediction': [[1.0]], 'target': [[-1.0]]}
    """

    def __init__(
        self,
        left: Callable[..., Tensor],
        right: Callable[..., Tensor] | None = None,
        *,
        start: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.left, self.right = left, right
        self._names = {side: _defaults(side) for side in (left, right) if side is not None}
        found: dict[str, float | None] = {}
        for defaults in self._names.values():
            for name, default in defaults.items():
                other = found.get(name)
                if None not in (default, other) and default != other and name not in (start or {}):
                    raise ValueError(
                        f"the two sides start {name} at {other} and at {default}: give both the "
                        f"same default, or set +model.start.{name}=…"
                    )
                found[name] = other if default is None else default
        unknown = [name for name in start or {} if name not in found]
        if unknown or not found:
            raise ValueError(
                f"start names {', '.join(unknown) or 'nothing'}; the equation's parameters are "
                f"{', '.join(found) or 'none: a side takes x, then parameters, def f(x, a=1.0)'}"
            )
        found |= start or {}
        without = [name for name, value in found.items() if value is None]
        if without:
            raise ValueError(
                f"{', '.join(without)} needs a number to start from: give it as a default, or set "
                f"+model.start.{without[0]}=…"
            )
        self.theta = nn.ParameterDict(
            [(name, nn.Parameter(torch.tensor(float(value or 0)))) for name, value in found.items()]
        )

    def forward(self, input: Tensor) -> Tensor | dict[str, Tensor]:
        """The left side as `prediction` and the right as `target`, `[batch, outputs]` each."""
        prediction = self._side(self.left, input)
        if self.right is None:
            return prediction
        return {"prediction": prediction, "target": self._side(self.right, input)}

    def _side(self, side: Callable[..., Tensor], input: Tensor) -> Tensor:
        value = side(input, **{name: self.theta[name] for name in self._names[side]})
        return value.unsqueeze(-1) if value.ndim == 1 else value


def _defaults(side: Callable[..., Tensor]) -> dict[str, float | None]:
    """A side's parameters behind x, with their defaults."""
    _, *parameters = inspect.signature(side).parameters.values()
    return {p.name: None if p.default is p.empty else p.default for p in parameters}
