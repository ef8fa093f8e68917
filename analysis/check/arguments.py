"""The arguments that a loss asks for, drawn by name, documented shape and domain."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...losses.names import Signature, canonical
from .layouts import SAMPLES, Layout

# How long the axes are that docstrings name; any other has 2.
_SIZES = {
    "batch": SAMPLES,
    "classes": 4,
    "channels": 4,
    "actions": 4,
    "outputs": 2,
    "labels": 4,
    "latents": 3,
    "components": 3,
    "members": 5,
    "dimensions": 2,
    "features": 5,
}
# One number a sample, where no docstring says otherwise.
_PER_SAMPLE = frozenset(
    {"weight", "target", "advantage", "returns", "value", "log_prob", "old_log_prob", "old_value"}
)
# What comes with the batch; everything else is the model's, and wants a gradient.
FROM_BATCH = frozenset(
    {"target", "weight", "input", "action", "advantage", "returns", "old_log_prob", "old_value"}
)
# Widths, which are positive by definition.
SCALES = frozenset({"sigma", "std", "scale", "var", "variance"})


@dataclass(frozen=True)
class Arguments:
    """How the arguments of one loss are drawn.

    Args:
        signature: what the loss asks for.
        shapes: the axes that its docstring names, see `documented_shapes`.
        asked: the tensors that its options don't supply.
        options: its options.
        layout: the kind of answer and target, where it has both.
        spatial: what `*spatial` in a docstring stands for.
        outputs: how many answers a `model` gives.
        alike: whether the target is shaped like the rest, where nothing says what it is.
        generator: of the numbers.
    """

    signature: Signature
    shapes: Mapping[str, list[str]]
    asked: list[str]
    options: Mapping[str, Any]
    layout: Layout | None
    spatial: tuple[int, ...]
    outputs: int
    alike: bool
    generator: torch.Generator

    def draw(
        self, main: str | None, target: str | None
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What the model gives, and what comes with the batch."""
        leaves: dict[str, Tensor] = {}
        given: dict[str, Any] = {}
        if self.layout and main and target:
            given[target] = self.layout.draw_target(self.generator)
            leaves[main] = self.layout.draw_answer(self.generator)
        for name in self.asked:
            if name in (main, target) and self.layout:
                continue
            if name == "parameters":
                leaves["parameters.layer.weight"] = self._normal(3, _SIZES["features"])
                leaves["parameters.layer.bias"] = self._normal(3)
            elif name == "model":
                leaves["model.weight"] = self._normal(_SIZES["features"], self.outputs)
            elif canonical(name) in FROM_BATCH:
                given[name] = self._tensor(name)
            else:
                leaves[name] = self._tensor(name)
        return leaves, given

    def violation(self, drawn: Mapping[str, Any]) -> str:
        """What is outside the domain that the loss declares, or nothing."""
        for name, domain in self.signature.domains.items():
            value = drawn.get(name)
            if isinstance(value, Tensor):
                problem = domain.violation(value, {**drawn, **self.options})
                if problem:
                    return f"{name}: {problem}"
        return ""

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator)

    def _tensor(self, name: str) -> Tensor:
        shape = self._shape(name)
        if canonical(name) == "weight":
            return torch.ones(shape)
        if canonical(name) == "target" and len(shape) == 1:
            return torch.randint(2, shape[:1], generator=self.generator)
        if name == "action" and any("logits" in other for other in self.asked):
            return torch.randint(_SIZES["actions"], shape, generator=self.generator)
        if name in SCALES:
            return 0.5 + torch.rand(shape, generator=self.generator)
        value = 0.5 * self._normal(*shape)
        domain = self.signature.domains.get(name)
        if domain is not None and domain.violation(value, {**self.options, "logits": value}):
            return torch.rand(shape, generator=self.generator)
        return value

    def _shape(self, name: str) -> tuple[int, ...]:
        if name in self.shapes:
            return self._documented(self.shapes[name])
        if canonical(name) in _PER_SAMPLE and not (self.alike and canonical(name) == "target"):
            return (SAMPLES,)
        if canonical(name) == "input":
            return (SAMPLES, _SIZES["features"])
        if self.layout:
            return (SAMPLES, *self.layout.answer)
        alike = next((other for other in self.asked if other in self.shapes), None)
        return self._shape(alike) if alike else (SAMPLES, 2)

    def _documented(self, axes: list[str]) -> tuple[int, ...]:
        sizes = dict(_SIZES)
        if self.layout and self.layout.answer:
            sizes |= dict.fromkeys(("classes", "channels", "outputs"), self.layout.channels)
        shape: list[int] = []
        for axis in axes:
            if axis.startswith("*"):
                shape += self.spatial
            else:
                shape.append(int(axis) if axis.isdigit() else sizes.get(axis, 2))
        return tuple(shape)


def documented_shapes(function: Callable[..., Any]) -> dict[str, list[str]]:
    """The axes of each argument that the docstring gives a shape, as in `[batch, classes]`.

    >>> def mine(mu, target):
    ...     '''Mine.
    ...
    ...     Args:
    ...         mu: `[batch, components]`.
    ...         target: shaped like `mu`.
    ...     '''
    >>> documented_shapes(mine)
    {'mu': ['batch', 'components'], 'target': ['batch', 'components']}
    """
    text = inspect.getdoc(function) or ""
    found = {}
    for name, words in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE):
        shape = re.search(r"`\[(batch[^\]`]*)\]`", words)
        if shape:
            axes = [axis.strip() for axis in shape.group(1).split(",")]
            if axes != ["batch", "..."]:
                found[name] = [axis for axis in axes if axis != "..."]
        alike = re.search(r"shaped like (?:the )?`?(\w+)", words)
        if alike and name not in found and alike.group(1) in found:
            found[name] = found[alike.group(1)]
    return found
