"""A function of tensors as the list of operations that it runs, so that only these run again.

What `torch.fx.experimental.proxy_tensor.make_fx` does, which imports torch's compiler for it: that
takes longer than all the steps of a small sweep.
"""

import random
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten
from torch.utils.weak import WeakTensorKeyDictionary

from .simplified import describe, simplify

_WAYS_OUT = {Tensor.numpy, Tensor.tolist, Tensor.__array__, Tensor.__dlpack__}


def record(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """The function as a program for arguments of the same structure and shapes.

    Operations that draw random numbers draw anew each time. A tensor that is no argument is a
    constant. The function is run once more, to see that the program gives the same.

    >>> double = record(lambda x: {"twice": 2 * x["one"]}, {"one": torch.tensor(1.0)})
    >>> double({"one": torch.tensor(4.0)})
    {'twice': tensor(8.)}

    Raises:
        ValueError: what it does depends on a tensor's values, or on what is no argument, as a count
            of its calls or random numbers of Python's.
    """
    recorder = _Recorder()
    tensors, structure = tree_flatten(arguments)
    for tensor in tensors:
        node = recorder.graph.placeholder(f"input_{len(recorder.nodes)}")
        recorder.nodes[tensor] = describe(node, tensor)
    copies = _copies(tensors)  # what is changed in place is another afterwards
    drawn = _random_states()
    with recorder, _NothingLeaves():
        answer = function(*arguments)
    if _random_states() != drawn:
        raise ValueError("it draws random numbers outside of torch: it can't be recorded")
    flat, answer_structure = tree_flatten(answer)
    recorder.graph.output([recorder.node_of(tensor) for tensor in flat])
    recorder.graph.eliminate_dead_code()
    simplify(recorder.graph, _item)
    program = fx.GraphModule(recorder.constants, recorder.graph).forward

    def run(*arguments: Any) -> Any:
        tensors, now = tree_flatten(arguments)
        if now != structure:
            raise ValueError(f"recorded with arguments of structure {structure}, called with {now}")
        return tree_unflatten(program(*tensors), answer_structure)

    _check_same(run, function, copies, structure)
    return run


def _random_states() -> tuple[Any, ...]:
    """Of Python's generator, and of NumPy's where that is in use."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return (random.getstate(),)
    kind, keys, *rest = numpy.random.get_state()
    return random.getstate(), kind, keys.tobytes(), *rest


def _check_same(
    program: Callable[..., Any], function: Callable[..., Any], tensors: list[Tensor], structure: Any
) -> None:
    """See that both give the same, with the same random numbers of torch's."""
    answers = []
    for call in (program, function):
        own = _copies(tensors)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            answers.append(tree_flatten(call(*tree_unflatten(own, structure)))[0])
    for recorded, again in zip(*answers, strict=True):
        if not torch.allclose(recorded, again, rtol=1e-3, atol=1e-5, equal_nan=True):
            raise ValueError(
                "called again it gives something else: it depends on what is no argument, and "
                "can't be recorded"
            )


def _copies(tensors: list[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone().requires_grad_(tensor.requires_grad) for tensor in tensors]


class _NothingLeaves(TorchFunctionMode):
    """Refuses what takes a tensor's values out of torch, where no operation is seen."""

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function in _WAYS_OUT:
            raise ValueError(f"{function.__name__} takes values out of torch: can't be recorded")
        return function(*args, **(kwargs or {}))


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Writes down each operation on plain tensors, below `vmap` and `grad`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # likewise
        self.graph = fx.Graph()
        self.nodes: Any = WeakTensorKeyDictionary()
        self.constants: dict[str, Tensor] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to be skipped by the compiler, it would have to be imported

    def __torch_dispatch__(
        self,
        operation: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if torch.Tag.data_dependent_output in operation.tags:
            raise ValueError(f"{operation} makes a number of a tensor: it can't be recorded")
        if torch.Tag.dynamic_output_shape in operation.tags:
            raise ValueError(
                f"{operation} gives a shape that depends on values: it can't be recorded"
            )
        kwargs = kwargs or {}
        inputs, options = tree_map(self.node_of, (args, dict(kwargs)))
        answer = operation(*args, **kwargs)
        node = self.graph.call_function(operation, inputs, options)
        if isinstance(answer, Tensor):
            describe(node, answer)
            self.nodes.setdefault(answer, node)  # one that is changed in place is the same
        elif isinstance(answer, (tuple, list)):
            for index, part in enumerate(answer):
                if isinstance(part, Tensor):
                    self.nodes[part] = describe(
                        self.graph.call_function(_item, (node, index)), part
                    )
        return answer

    def node_of(self, value: Any) -> Any:
        """The node that gives a tensor; other values as they are."""
        if not isinstance(value, Tensor):
            return value
        if value not in self.nodes:
            name = f"constant_{len(self.constants)}"
            self.constants[name] = value
            self.nodes[value] = describe(self.graph.get_attr(name), value)
        return self.nodes[value]


def _item(values: Any, index: int) -> Any:
    return values[index]
