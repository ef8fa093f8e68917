"""Watching a loss at work: each operation, who called it, and what became of the model's answer."""

import linecache
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

_TORCH = str(Path(torch.__file__).parent)
# Who watches: this file, and the doctor in analysis/, which calls the loss.
_WATCHING = (__file__, str(Path(__file__).parents[1] / "analysis"))

# Operations that hand the values to Python or NumPy, where no gradient can follow.
_LEAVES_TORCH = frozenset(
    {"item", "tolist", "numpy", "__array__", "__float__", "__int__", "__bool__", "__index__"}
)
# Operations that have a gradient, and it is 0 everywhere.
_FLAT = frozenset({"round", "floor", "ceil", "trunc", "fix", "sign", "heaviside", "floor_divide"})
_COMPARISONS = {"gt": ">", "lt": "<", "ge": ">=", "le": "<=", "eq": "==", "ne": "!="}

PROBABILITY = frozenset({"sigmoid", "softmax", "softmin", "sigmoid_", "_softmax"})
LOG_PROBABILITY = frozenset({"log_softmax", "logsigmoid", "_log_softmax"})
# Operations that apply a sigmoid or a softmax themselves.
TAKES_LOGITS = (
    PROBABILITY
    | LOG_PROBABILITY
    | {"cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss"}
)
TAKES_PROBABILITY = frozenset({"binary_cross_entropy"})
TAKES_LOG_PROBABILITY = frozenset({"nll_loss", "kl_div", "nll_loss_nd"})
_KEEPS_MEANING = frozenset(
    {
        "property",
        "view",
        "reshape",
        "flatten",
        "squeeze",
        "unsqueeze",
        "permute",
        "transpose",
        "contiguous",
    }
    | {"float", "double", "to", "type", "clamp", "clip", "__getitem__", "expand", "movedim"}
    | {"gather", "index_select", "select", "t", "narrow", "chunk", "split", "clone", "type_as"}
)


@dataclass(frozen=True)
class Call:
    """One operation of the loss.

    Args:
        name: what it is called: `argmax`, `>`.
        line: where it stands: `mine.py:7: p = logits.argmax(1)`, or nothing if inside a library.
    """

    name: str
    line: str

    def __str__(self) -> str:
        return f"{self.name} ({self.line})" if self.line else self.name


class Watch(TorchFunctionMode):
    """Records what a loss does with the model's answers while it is active.

    Args:
        answers: the tensors that the model gave, which need a gradient.
        batch: how many samples there are; best a number that no other axis has.
        meanings: what each answer is known to be: `logits` or `probability`.
        values: whether to look at values, for `not_finite`; without, it costs next to nothing.

    Attributes:
        cuts: operations after which an answer, or what was made of it, has no gradient any more.
        flat: operations on the way whose gradient is 0 everywhere.
        not_finite: the first operation that made NaN or infinity out of finite numbers.
        crossed: the first operation that broadcast samples against samples.
        double: the first sigmoid or softmax of what was a probability already.
        raw: the first operation that wants probabilities, or their logs, and got raw scores.
    """

    def __init__(
        self,
        answers: Iterable[Tensor],
        batch: int = 0,
        meanings: Mapping[int, str] | None = None,
        *,
        values: bool = True,
    ) -> None:
        super().__init__()
        self._values = values
        self._batch = batch
        self._kept: list[Tensor] = list(answers)  # so that no id is used twice
        self._live = {id(t) for t in self._kept}
        self._meaning: dict[int, str] = dict(meanings or {})
        self._calls: dict[Any, Call] = {}  # by node of the autograd graph
        self._widened: set[int] = set()  # got a further axis, to be paired with others
        self.names: set[str] = set()
        self.cuts: list[Call] = []
        self.flat: list[Call] = []
        self.not_finite: Call | None = None
        self.crossed: Call | None = None
        self.double: Call | None = None
        self.raw: Call | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """See `TorchFunctionMode`."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = _name(func)
        if name in _ATTRIBUTES or (name == "property" and not isinstance(result, Tensor)):
            return result
        given = list(tensors_in((args, kwargs)))
        made = [t for t in tensors_in(result) if all(t is not g for g in given)]
        self._record(name, given, made, result)
        return result

    def _record(self, name: str, given: list[Tensor], made: list[Tensor], result: Any) -> None:
        live = [t for t in given if id(t) in self._live]
        self._kept += made
        widest = max((t.ndim for t in given), default=0)
        self._widened |= {id(t) for t in made if t.ndim > widest}
        call = Call(_COMPARISONS.get(name.strip("_"), name.strip("_")), calling_line())
        if self._values and self.not_finite is None and not finite(made) and finite(given):
            self.not_finite = call
        if not live:
            return
        self.names.add(name)
        connected = any(t.requires_grad for t in live)
        if connected and (name in _LEAVES_TORCH or any(not t.requires_grad for t in made)):
            self.cuts.append(call)
        if name.strip("_") in _FLAT:
            self.flat.append(call)
        self._live |= {id(t) for t in made}
        self._note_meaning(name, call, given, made)
        if self.crossed is None and any(self._is_crossed(t, given) for t in made):
            self.crossed = call
        for tensor in made:
            for node in new_nodes(tensor.grad_fn, self._calls):
                self._calls[node] = call

    def _is_crossed(self, made: Tensor, given: list[Tensor]) -> bool:
        """Whether `(n, 1)` met `(n,)`; pairs that are meant have axes put in for them."""
        with_samples = [t for t in given if list(t.shape).count(self._batch) == 1]
        if any(id(t) in self._widened for t in given):
            return False
        return (
            self._batch > 1
            and list(made.shape).count(self._batch) > 1
            and len({t.ndim for t in with_samples}) > 1
            and max(t.ndim for t in with_samples) == made.ndim
            and made.numel() > max(t.numel() for t in with_samples)
        )

    def _note_meaning(self, name: str, call: Call, given: list[Tensor], made: list[Tensor]) -> None:
        meaning = next((m for t in given[:1] if (m := self._meaning.get(id(t)))), None)
        if meaning == "probability" and name in TAKES_LOGITS and self.double is None:
            self.double = call
        wants_log = name in TAKES_LOG_PROBABILITY
        if meaning == "logits" and (wants_log or name in TAKES_PROBABILITY | {"log", "log2"}):
            self.raw = self.raw or call
        if meaning == "probability" and wants_log:
            self.raw = self.raw or call
        if name in PROBABILITY or (meaning == "log_probability" and name == "exp"):
            now: str | None = "probability"
        elif name in LOG_PROBABILITY or (meaning == "probability" and name == "log"):
            now = "log_probability"
        else:
            now = meaning if name in _KEEPS_MEANING else None
        if now:
            self._meaning |= {id(t): now for t in made}

    def call_of(self, node: Any) -> Call | None:
        """The operation that a node of the autograd graph belongs to."""
        return self._calls.get(node)


_ATTRIBUTES = frozenset(
    {"size", "dim", "numel", "ndimension", "is_floating_point", "__len__", "stride"}
    | {"is_complex", "element_size", "get_device", "is_contiguous", "__repr__", "__format__"}
    | {"backward", "requires_grad_", "__hash__", "new_tensor", "zeros_like", "ones_like"}
    | {"new_zeros", "new_ones", "new_full", "full_like", "empty_like", "new_empty", "__set__"}
    | {"rand_like", "randn_like", "retain_grad", "is_same_size", "data_ptr", "_is_view"}
)


def _name(func: Any) -> str:
    name = str(getattr(func, "__name__", func))
    if name == "__get__":
        return "data" if (resolve_name(func) or "").endswith(".data.__get__") else "property"
    return name


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor in nested lists, tuples and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)


def finite(tensors: Iterable[Tensor]) -> bool:
    """Whether all their values are."""
    return all(bool(torch.isfinite(t).all()) for t in tensors)


def calling_line() -> str:
    """The innermost line of code that is neither torch's nor the doctor's."""
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith((_TORCH, *_WATCHING, "<")):
            code = linecache.getline(path, frame.f_lineno).strip()
            return f"{Path(path).name}:{frame.f_lineno}: {code}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def new_nodes(node: Any, known: Mapping[Any, Any] = MappingProxyType({})) -> Iterator[Any]:
    """The nodes of the autograd graph from `node` down to those that are known."""
    stack, seen = [node], set()
    while stack:
        current = stack.pop()
        if current is None or current in known or current in seen:
            continue
        seen.add(current)
        yield current
        stack += [following for following, _ in current.next_functions]


@dataclass
class Backward:
    """What happened on the way back."""

    gradients: list[Tensor | None]
    not_finite: Call | None = None  # the first that made NaN or infinity out of finite gradients
    zeroed: Call | None = None  # the first that made 0 out of gradients that were not


def backward(total: Tensor, leaves: Sequence[Tensor], watch: Watch) -> Backward:
    """The gradients of `total`, and which operation spoilt them, if one did."""
    seen = Backward([])
    handles = [
        node.register_hook(_inspect(watch.call_of(node), seen)) for node in new_nodes(total.grad_fn)
    ]
    try:
        seen.gradients = list(torch.autograd.grad(total, leaves, allow_unused=True))
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _inspect(call: Call | None, seen: Backward) -> Callable[[Any, Any], None]:
    def hook(to_inputs: Any, from_output: Any) -> None:
        came, went = list(tensors_in(from_output)), list(tensors_in(to_inputs))
        if not came or not went:
            return
        if seen.not_finite is None and not finite(went) and finite(came):
            seen.not_finite = call
        if (
            seen.zeroed is None
            and any(bool((t != 0).any()) for t in came)
            and not any(bool((t != 0).any()) for t in went)
        ):
            seen.zeroed = call

    return hook
