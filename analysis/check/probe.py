"""A loss made ready to be tried: the function, and arguments to call it with."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor

from ...losses.names import Signature
from ...losses.reduction import reduce_values
from .layouts import MEANINGS, Layout

# How names end whose tensors go through an exponential by definition.
_LOG_SCALES = ("logvar", "log_sigma", "log_scale", "log_var", "log_std", "logits")


@dataclass(frozen=True)
class Probe:
    """A loss with arguments to try it on.

    Args:
        function: the loss.
        options: its options.
        signature: what it asks for.
        layout: the kind of answer and target, where it has both.
        main: the parameter that is the model's answer, if there is one.
        target: the parameter that is the target, if there is one.
        leaves: what the model gives: tensors by parameter (`parameters.NAME`, `model.weight`).
        given: what comes with the batch.
    """

    function: Callable[..., Any]
    options: Mapping[str, Any]
    signature: Signature
    layout: Layout | None
    main: str | None
    target: str | None
    leaves: Mapping[str, Tensor]
    given: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it is called with, in the loss's own order."""
        present = {name.partition(".")[0] for name in (*self.leaves, *self.given)}
        return tuple(name for name in self.signature.tensors if name in present)

    def arguments(self, leaves: Mapping[str, Tensor]) -> dict[str, Any]:
        """What the function is called with, by name."""
        arguments: dict[str, Any] = dict(self.given)
        for name, tensor in leaves.items():
            owner, _, part = name.partition(".")
            if owner == "model":
                arguments["model"] = _model(tensor)
            elif part:
                arguments.setdefault(owner, {})[part] = tensor
            else:
                arguments[name] = tensor
        return arguments

    def values(self, leaves: Mapping[str, Tensor] | None = None, **given: Any) -> Tensor:
        """What the loss returns, unreduced."""
        arguments = self.arguments(self.leaves if leaves is None else leaves)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = self.function(**{**arguments, **given}, **self.options)
        if not isinstance(result, Tensor):
            return torch.as_tensor(float(result))
        return result

    def total(self, leaves: Mapping[str, Tensor] | None = None, **given: Any) -> Tensor:
        """The loss as one number: the mean of its values."""
        return reduce_values(self.values(leaves, **given))

    def at(self, answer: Tensor, **given: Any) -> float:
        """The loss of another answer."""
        assert self.main is not None
        with torch.no_grad():
            return float(self.total({**self.leaves, self.main: answer}, **given))

    def to(self, dtype: torch.dtype) -> "Probe":
        """The same in another precision."""
        return replace(
            self,
            leaves={name: _as(t, dtype) for name, t in self.leaves.items()},
            given={name: _as(t, dtype) for name, t in self.given.items()},
        )

    def rows(self, index: Tensor) -> "Probe":
        """The same on some of the samples."""

        def chosen(name: str, value: Any) -> Any:
            per_sample = isinstance(value, Tensor) and "." not in name and value.ndim
            return value[index] if per_sample and len(value) == self.samples else value

        return replace(
            self,
            leaves={name: chosen(name, t) for name, t in self.leaves.items()},
            given={name: chosen(name, t) for name, t in self.given.items()},
        )

    def with_answer(self, answer: Tensor, **given: Any) -> "Probe":
        """The same with another answer, and other arguments by name."""
        assert self.main is not None
        return replace(
            self, leaves={**self.leaves, self.main: answer}, given={**self.given, **given}
        )

    @cached_property
    def samples(self) -> int:
        """How many samples the batch holds; 0 if the loss has no batch."""
        sizes = [
            len(value)
            for name, value in {**self.leaves, **self.given}.items()
            if isinstance(value, Tensor) and value.ndim and "." not in name
        ]
        return max(sizes, key=sizes.count, default=0)

    def fresh(self, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """The leaves anew, each wanting a gradient."""
        return {
            name: _as(tensor.detach(), dtype or tensor.dtype).clone().requires_grad_()
            for name, tensor in self.leaves.items()
        }

    @property
    def is_ambiguous(self) -> bool:
        """Whether the answer's name leaves open what it means."""
        return self.main is not None and self.main not in MEANINGS

    def is_log_scale(self, name: str) -> bool:
        """Whether the tensor goes through an exponential by definition."""
        other = name != self.main or (self.layout is not None and self.layout.meaning == "log")
        return (other and name.rpartition(".")[2].endswith(_LOG_SCALES)) or (
            name == self.main and self.layout is not None and self.layout.meaning == "log"
        )


def _as(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def _model(weight: Tensor) -> Callable[[Tensor], dict[str, Tensor]]:
    def model(input: Tensor) -> dict[str, Tensor]:
        answer = torch.tanh(input.flatten(1).to(weight.dtype) @ weight)
        return {"prediction": answer}

    return model


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its type where it says nothing."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return shorten(line, 200, placeholder=" …")
