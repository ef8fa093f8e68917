"""A loss of many elementwise steps that keeps one tensor for the backward pass: its derivative."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

ValuesAndSlope = Callable[..., tuple[Tensor, Tensor]]


def elementwise(function: ValuesAndSlope, *inputs: Any) -> Tensor:
    """The values of a function that gives its derivative beside them.

    A dozen elementwise steps would otherwise keep a dozen tensors shaped like the logits, and pass
    over them all once more. It can be differentiated as often as `function` can, backward and
    forward, and under `vmap`; `torch.compile` sees the function alone, and does this by itself.

    >>> def sine(x, k):
    ...     return k * x.sin(), k * x.cos()
    >>> x = torch.tensor([0.0, 3.0], requires_grad=True)
    >>> elementwise(sine, x, 2.0).sum().backward()
    >>> x.grad
    tensor([ 2.0000, -1.9800])

    Args:
        function: of the inputs, to values and their derivative with respect to the first input, all
            three of one shape. It may close over no tensor.
        inputs: tensors, and anything else that has no gradient.
    """
    if torch.compiler.is_compiling() or not torch.is_grad_enabled():
        return function(*inputs)[0]
    values: Tensor = _Elementwise.apply(function, *inputs)[0]  # type: ignore[no-untyped-call]
    return values


def _values(
    function: ValuesAndSlope, inputs: Sequence[Any], places: Sequence[int]
) -> tuple[Callable[..., Tensor], tuple[Any, ...]]:
    """The values as a function of the inputs at these places, the others fixed; and those."""

    def of_places(*tensors: Tensor) -> Tensor:
        given = list(inputs)
        for place, tensor in zip(places, tensors, strict=True):
            given[place] = tensor
        return function(*given)[0]

    return of_places, tuple(inputs[place] for place in places)


class _Elementwise(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(function: ValuesAndSlope, *inputs: Any) -> tuple[Tensor, Tensor]:
        return function(*inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.function, *given = inputs
        ctx.constants = [None if isinstance(x, Tensor) else x for x in given]
        ctx.places = [i for i, x in enumerate(given) if isinstance(x, Tensor)]
        tensors = [given[i] for i in ctx.places]
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, output[1])
        ctx.save_for_forward(*tensors, output[1])  # the same, or vmap mistakes their axes

    @staticmethod
    def _inputs(ctx: Any) -> list[Any]:
        inputs = list(ctx.constants)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=False):
            inputs[place] = tensor
        return inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
        inputs = _Elementwise._inputs(ctx)
        gradients: list[Tensor | None] = [None] * len(inputs)
        places = [i for i, needed in enumerate(ctx.needs_input_grad[1:]) if needed]
        if gradient is not None and places and places[0] == 0:
            # A further derivative needs the slope as a function of the inputs.
            again = torch.is_grad_enabled()
            slope = ctx.function(*inputs)[1] if again else ctx.saved_tensors[-1]
            gradients[0] = gradient * slope
            places = places[1:]
        if gradient is not None and places:
            function, tensors = _values(ctx.function, inputs, places)
            pull_back = torch.func.vjp(function, *tensors)[1]
            for place, pulled in zip(places, pull_back(gradient), strict=True):
                gradients[place] = pulled
        return (None, *gradients)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, None]:
        directions = {i: t for i, t in enumerate(tangents[1:]) if t is not None}
        function, tensors = _values(ctx.function, _Elementwise._inputs(ctx), [*directions])
        # The transpose of the transpose: a forward mode can't be nested in this one.
        values, pull_back = torch.func.vjp(function, *tensors)[:2]
        push_forward = torch.func.vjp(pull_back, torch.zeros_like(values))[1]
        return push_forward(tuple(directions.values()))[0], None
