"""A term: one loss function with its weight, and how its values are weighted and reduced."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, get_args

import torch
from torch import Tensor, nn

from .checks import check_choice
from .class_weights import by_class, in_order
from .names import FROM_THE_STEP, WEIGHTS, Signature, missing_name, read_signature, supplier
from .reduction import Normalize, Reduce, align, aligned_beside, at_least_fp32, reduce_values
from .schedules import Schedule

Tensors = Mapping[str, Any]
"""The named tensors of one step, and besides `parameters`, a mapping, and `model`, a function."""


def _times(weight: Tensor | None, other: Tensor) -> Tensor:
    return other if weight is None else align(weight, other) * other


class Term(nn.Module):
    """One loss function, bound by name to the tensors it asks for.

    `ignore_index`, `class_weight` and the batch's `weight` become one weight per element. A loss
    that asks for `weight` (a region loss such as dice) gets it and uses it inside its sums; for
    every other loss the term applies it to the values, once. Elements of weight 0 are filled before
    the loss sees them, so a NaN there can't reach value or gradient.

    Args:
        name: what the term is called in metrics and on the command line.
        function: a loss, see `losslab.losses`.
        weight: its factor in the objective, a number or a schedule over epochs.
        reduce: `mean` or `sum` over the non-batch axes; the batch is always averaged.
        normalize: with weights, divide by their sum (`weights`) or by how many count (`count`).
        names: connects a parameter of the loss to another tensor, `{"logits": "reconstruction"}`;
            `weight` may be named for every loss, and None means that no weight applies.
        ignore_index: elements with this target are left out.
        class_weight: one weight per class, by the target's class, or one per label, see `by_class`;
            a list, or a mapping `{class: weight}` of all classes.
        options: the loss function's own options, or constants for tensors it asks for.
        signature: what the function asks for, where it can't be read from its parameters.

    Raises:
        ValueError: an option the function does not have or one it must be given, a `reduce` or
            `normalize` that is not listed above, or a `class_weight` that leaves a class out.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        name: str,
        function: Callable[..., Tensor],
        *,
        weight: float | Schedule = 1.0,
        reduce: Reduce = "mean",
        normalize: Normalize = "weights",
        names: Mapping[str, str | None] | None = None,
        ignore_index: int | None = None,
        class_weight: Sequence[float] | Mapping[int, float] | None = None,
        options: Mapping[str, Any] | None = None,
        signature: Signature | None = None,
    ) -> None:
        super().__init__()
        check_choice(f"loss.{name}.reduce", reduce, get_args(Reduce))
        check_choice(f"loss.{name}.normalize", normalize, get_args(Normalize))
        self.name = name
        self.function = function
        self.weight = weight
        self.reduce: Reduce = reduce
        self.normalize: Normalize = normalize
        self.names = dict(names or {})
        self.ignore_index = ignore_index
        self.options = dict(options or {})
        self.signature = signature or read_signature(function)
        self.signature.check(name, self.options)
        weights = None if class_weight is None else torch.tensor(in_order(class_weight)).float()
        self.register_buffer("class_weight", weights, persistent=False)
        asked = (*self.signature.tensors, *self.signature.optional)
        self.asks_for = tuple(name for name in asked if name not in self.options)
        # What `bind` finds out:
        self.sources: dict[str, str] = {}  # parameter of the loss → named tensor
        self._target_parameter: str | None = None  # the parameter that is the target
        self._weight_from: str | None = None  # the named tensor that is the weight
        self._takes_weight: tuple[str, ...] = ()  # parameters by which the loss takes it itself
        self._plain = True  # nothing is weighted or left out

    def bind(self, batch: Collection[str], outputs: Collection[str], main_output: str) -> None:
        """Find out who supplies each tensor that the loss asks for.

        Args:
            batch: names that the batch supplies.
            outputs: names that the model supplies.
            main_output: what the model's answer is called for this task, `logits` or `prediction`.

        Raises:
            ValueError: a name that nobody supplies, with who could; or an `ignore_index` or
                `class_weight` for a loss without a target.
        """
        unknown = set(self.names) - {*self.asks_for, "weight"}
        if unknown:
            raise ValueError(
                f"loss {self.name} has no tensor called {', '.join(sorted(unknown))}: "
                f"it asks for {', '.join(self.asks_for)}"
            )
        available = {*batch, *outputs, *FROM_THE_STEP}
        names = dict(self.names)
        if {"input", "target"} == set(self.asks_for) - set(self.signature.optional):
            names.setdefault("input", main_output)  # torch's word for the model's answer
        self.sources = {}
        for name in self.asks_for:
            wanted = names.get(name, name)
            source = None if wanted is None else supplier(wanted, available, main_output)
            if source is not None:
                self.sources[name] = source
            elif name in self.signature.tensors or names.get(name) is not None:
                raise ValueError(missing_name(self.name, name, wanted or name, batch, outputs))
        self._bind_weight(names, batch, outputs)
        self._target_parameter = next(
            (n for n, s in self.sources.items() if "target" in (s, supplier(n, {"target"}, ""))),
            None,
        )
        selects = self.ignore_index is not None or self.class_weight is not None
        if selects and self._target_parameter is None:
            raise ValueError(
                f"loss {self.name} does not look at the target, so ignore_index and class_weight "
                "mean nothing to it: set them to null"
            )
        self._plain = self._weight_from is None and not selects

    def _bind_weight(
        self, names: Mapping[str, str | None], batch: Collection[str], outputs: Collection[str]
    ) -> None:
        available = {*batch, *outputs}
        self._takes_weight = tuple(name for name in self.asks_for if name in WEIGHTS)
        if self._takes_weight:
            self._weight_from = self.sources.get(self._takes_weight[0])
            return
        wanted = names.get("weight", "weight")
        if "weight" in names and wanted is not None and wanted not in available:
            raise ValueError(missing_name(self.name, "weight", wanted, batch, outputs))
        per_sample = any(source not in FROM_THE_STEP for source in self.sources.values())
        self._weight_from = wanted if wanted in available and per_sample else None

    def weight_at(self, time: float) -> float:
        """The term's factor at `time`, in epochs."""
        return self.weight(time) if callable(self.weight) else self.weight

    def forward(self, tensors: Tensors) -> Tensor:
        """The term's reduced value, before its weight in the objective.

        Raises:
            ValueError: the loss returned no tensor, or values that the weights don't fit.
        """
        arguments, weight = self.arguments(tensors)
        values = self.function(**arguments, **self.options)
        if not isinstance(values, Tensor):
            raise ValueError(f"loss {self.name} must return a tensor; got {values!r}")
        if self._plain or self._takes_weight:
            return reduce_values(values, reduce=self.reduce)
        if self.class_weight is not None:
            weight = _times(weight, self._by_class(arguments, values.shape))
        assert weight is not None
        fitting = aligned_beside(self._target(arguments), weight, values)
        if fitting is None:
            raise ValueError(
                f"loss {self.name} returned values of shape {tuple(values.shape)}, which a weight "
                f"of shape {tuple(weight.shape)} can't weigh: return one value per element or "
                f"sample, ask for `weight`, or set +loss.{self.name}.names.weight=null"
            )
        weight = fitting.expand_as(values)
        return reduce_values(values, weight, reduce=self.reduce, normalize=self.normalize)

    def arguments(self, tensors: Tensors) -> tuple[dict[str, Any], Tensor | None]:
        """What the loss function is called with, and the weight of each element (None: all count).

        Elements of weight 0 are filled with 0 in every tensor that has them. A loss that takes the
        weight itself finds it among its arguments, with the class weights in it.
        """
        arguments = {name: tensors[source] for name, source in self.sources.items()}
        if self._plain:
            return arguments, None
        weight = None if self._weight_from is None else at_least_fp32(tensors[self._weight_from])
        if self.ignore_index is not None:
            assert self._target_parameter is not None
            counts = arguments[self._target_parameter] != self.ignore_index
            weight = _times(weight, at_least_fp32(counts))
        if weight is not None:
            counts, target = weight != 0, self._target(arguments)
            for name, value in arguments.items():
                if isinstance(value, Tensor) and name not in self._takes_weight:
                    kept = aligned_beside(target, counts, value)
                    if kept is not None:
                        arguments[name] = torch.where(kept, value, 0)
        if self._takes_weight:
            if self.class_weight is not None:
                weight = _times(weight, self._by_class(arguments))
            arguments |= dict.fromkeys(self._takes_weight, weight)
        return arguments, weight

    def _target(self, arguments: Mapping[str, Any]) -> Tensor | None:
        target = None if self._target_parameter is None else arguments[self._target_parameter]
        return target if isinstance(target, Tensor) else None

    def _by_class(self, arguments: Mapping[str, Any], shape: torch.Size | None = None) -> Tensor:
        assert self.class_weight is not None
        assert self._target_parameter is not None
        target = arguments[self._target_parameter]
        return by_class(self.class_weight, target, arguments.values(), shape or target.shape)
