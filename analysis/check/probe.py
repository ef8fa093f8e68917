"""A loss made ready to be tried: which layout suits it, and its arguments, drawn by seed."""

import inspect
import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ...errors import UserError
from ...losses.names import MAIN_OUTPUT, Signature, canonical, read_signature
from ...losses.reduction import reduce_values
from .layouts import BY_NAME, LAYOUTS, SAMPLES, Layout
from .watch import TAKES_LOG_PROBABILITY, Watch

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
_PER_SAMPLE = frozenset(
    {"weight", "target", "advantage", "returns", "value", "log_prob", "old_log_prob", "old_value"}
)
_VARIANTS = (((), 1), ((8, 9), 1), ((), 3))  # axes of space, and answers of a `model`
_FROM_BATCH = frozenset(
    {"target", "weight", "input", "action", "advantage", "returns", "old_log_prob", "old_value"}
)
_ANY = ("logits", "probability", "log_probability", "distance", "real", "positive", "log")
_KNOWN = _FROM_BATCH | frozenset(
    {"mu", "logvar", "log_sigma", "log_scale", "latent", "value", "log_prob", "mixture_logits"}
    | {"parameters", "model", "real_logits", "fake_logits", "members", "quantiles"}
)
_LOG_SCALES = ("logvar", "log_sigma", "log_scale", "log_var", "log_std", "logits")
# What each name of an answer may mean; any other name of the answer may mean anything.
_MEANINGS = {
    "logits": ("logits",),
    "prediction": ("real", "positive", "log"),
    "reconstruction": ("probability", "real"),
    "probability": ("probability",),
    "probabilities": ("probability",),
    "probs": ("probability",),
    "log_prob": ("log_probability",),
    "log_probs": ("log_probability",),
    "log_probability": ("log_probability",),
    "prob": ("probability",),
}


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
        return self.main is not None and self.main not in _MEANINGS

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


def probes(
    function: Callable[..., Any],
    options: Mapping[str, Any] | None = None,
    *,
    layout: str | None = None,
    seed: int = 0,
) -> list[Probe]:
    """The loss with each kind of answer and target that it accepts.

    Raises:
        UserError: it can be called with none.
    """
    signature = read_signature(function)
    options = dict(options or {})
    asked = [name for name in signature.tensors if name not in options]
    main, target = main_and_target(asked)
    if main is not None and target is not None:
        candidates: list[Layout | None] = [BY_NAME[layout]] if layout else list(_suitable(main))
    else:
        candidates = [None]
    found, errors, refused = [], [], []
    for candidate in candidates:
        variants = _VARIANTS if candidate is None else ((candidate.answer[1:], 1),)
        for spatial, outputs in variants:
            generator = torch.Generator().manual_seed(seed)
            draw = _Draw(
                function, signature, asked, options, candidate, spatial, outputs, generator
            )
            leaves, given = draw.all(main, target)
            probe = Probe(function, options, signature, candidate, main, target, leaves, given)
            if draw.refused:
                refused.append(draw.refused)
                continue
            try:
                probe.total()
            except Exception as error:  # a user's function may raise anything
                errors.append(f"{type(error).__name__}: {first_line(error)}")
            else:
                if _plausible(probe):
                    found.append(probe)
    if not found:
        errors = errors or refused
        # What most of them say comes last, unless one names an option that must be set.
        errors.sort(
            key=lambda text: (any(o in text for o in signature.options), errors.count(text))
        )
        raise UserError(
            f"it can't be called with generated tensors for {', '.join(asked) or 'no names'}: "
            f"{errors[-1] if errors else 'it asks for no tensor'}. Give the tensors the field's "
            "names (logits, prediction, probability, target, …), write their shapes in the "
            "docstring (`[batch, classes]`), or check it within a configuration: "
            "losslab check loss=FILE.py:FUNCTION data=… model=…"
        )
    return found


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def main_and_target(asked: Sequence[str]) -> tuple[str | None, str | None]:
    """Which of the tensors is the model's answer, and which the target.

    >>> main_and_target(["y_true", "y_pred"])
    ('y_pred', 'y_true')
    >>> main_and_target(["mu", "logvar"])
    (None, None)
    """
    if "model" in asked:
        return None, None
    target = next((name for name in asked if canonical(name) == "target"), None)
    main = next((name for name in asked if name in _MEANINGS or name in MAIN_OUTPUT), None)
    others = [name for name in asked if name != target and canonical(name) not in _KNOWN]
    if main is None and target is not None and "input" in asked:
        return "input", target
    if main is None and len(others) == (1 if target else 2):
        main = others[0]
        target = target or others[1]
    if target is None and main is not None and others and main in MAIN_OUTPUT:
        target = next((name for name in others if name != main), None)
    return main, target


def _suitable(main: str) -> list[Layout]:
    meanings = _MEANINGS.get(main, _ANY)
    return [layout for layout in LAYOUTS if layout.meaning in meanings]


def _plausible(probe: Probe) -> bool:
    """Whether the loss treats the answer, or the labels, as this layout says.

    Log-probabilities show in the operations; a loss for labels −1 and 1 takes them as a sign of the
    score, so it is the same for both with the opposite sign.
    """
    layout = probe.layout
    if layout is None or probe.main is None or probe.target is None:
        return True
    if layout.kind == "signs" and layout.meaning == "logits":
        answer, target = probe.leaves[probe.main], probe.given[probe.target]
        opposite = probe.at(-answer, **{probe.target: -target})
        return math.isclose(opposite, probe.at(answer), rel_tol=1e-3, abs_tol=1e-6)
    if layout.meaning == "log_probability" and probe.main not in _MEANINGS:
        watch = Watch(probe.leaves.values())
        with watch:
            probe.total()
        return bool(watch.names & (TAKES_LOG_PROBABILITY | {"exp"}))
    return True


class _Draw:
    """Draws the arguments of one loss for one layout."""

    def __init__(
        self,
        function: Callable[..., Any],
        signature: Signature,
        asked: list[str],
        options: Mapping[str, Any],
        layout: Layout | None,
        spatial: tuple[int, ...],
        outputs: int,
        generator: torch.Generator,
    ) -> None:
        self.signature = signature
        self.asked = asked
        self.options = options
        self.layout = layout
        self.spatial = spatial
        self.outputs = outputs
        self.generator = generator
        self.shapes = documented_shapes(function)
        self.refused = ""

    def all(self, main: str | None, target: str | None) -> tuple[dict[str, Tensor], dict[str, Any]]:
        leaves: dict[str, Tensor] = {}
        given: dict[str, Any] = {}
        if self.layout and main and target:
            given[target] = self.layout.draw_target(self.generator)
            leaves[main] = self.layout.draw_answer(self.generator)
        for name in self.asked:
            if name in (main, target) and self.layout:
                continue
            if name == "parameters":
                leaves |= {
                    "parameters.layer.weight": self._normal(3, 5),
                    "parameters.layer.bias": self._normal(3),
                }
            elif name == "model":
                leaves["model.weight"] = self._normal(5, self.outputs)
            elif canonical(name) in _FROM_BATCH:
                given[name] = self._other(name)
            else:
                leaves[name] = self._other(name)
        everything = {**given, **leaves}
        for name, domain in self.signature.domains.items():
            value = everything.get(name)
            if isinstance(value, Tensor) and (
                problem := domain.violation(value, {**everything, **self.options})
            ):
                self.refused = f"{name}: {problem}"
        return leaves, given

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator)

    def _other(self, name: str) -> Tensor:
        shape = self._shape(name)
        if canonical(name) == "weight":
            return torch.ones(shape)
        if canonical(name) == "target" and len(shape) == 1:
            return torch.randint(2, shape[:1], generator=self.generator)
        if name == "action" and any("logits" in other for other in self.asked):
            return torch.randint(_SIZES["actions"], shape, generator=self.generator)
        value = 0.5 * self._normal(*shape)
        domain = self.signature.domains.get(name)
        if domain is not None and domain.violation(value, {**self.options, "logits": value}):
            return torch.rand(shape, generator=self.generator)
        return value

    def _shape(self, name: str) -> tuple[int, ...]:
        if name in self.shapes:
            sizes = dict(_SIZES)
            if self.layout and self.layout.answer:
                sizes |= dict.fromkeys(("classes", "channels", "outputs"), self.layout.channels)
            shape: list[int] = []
            for axis in self.shapes[name]:
                shape += (
                    self.spatial
                    if axis.startswith("*")
                    else [int(axis) if axis.isdigit() else sizes.get(axis, 2)]
                )
            return tuple(shape)
        if canonical(name) in _PER_SAMPLE:
            return (SAMPLES,)
        if canonical(name) == "input":
            return (SAMPLES, _SIZES["features"])
        if self.layout:
            return (SAMPLES, *self.layout.answer)
        alike = next((other for other in self.asked if other in self.shapes), None)
        return self._shape(alike) if alike else (SAMPLES, 2)


def documented_shapes(function: Callable[..., Any]) -> dict[str, list[str]]:
    """The axes of each argument that the docstring gives a shape, as in `[batch, classes]`."""
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
