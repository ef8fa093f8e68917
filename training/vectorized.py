"""Many runs at once: K models that differ in numbers only, trained as one stacked program.

Their weights are one tensor `[K, weights]`. The objective of one run is written as a function of
its row, and `torch.func.vmap` makes it that of all; the optimizer is a few elementwise operations
on the whole. Small networks spend their time on overhead, which K runs pay once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from ..data.source import Batch
from ..losses.objective import Objective
from ..losses.term import Term
from .recorded import record
from .stacked_optimizer import Now, StackedOptimizer
from .step import NamedModel, Outputs

CLASS_WEIGHT = "class_weight of the term"  # a loss may have an option called class_weight
Shapes = tuple[torch.Size, ...]
Program = Callable[..., Any]
Numbers = Mapping[str, Mapping[str, Tensor]]
"""Options in which the runs differ: by term, by option, one number a run, `[K]`."""


def numbers_of(objectives: Sequence[Objective]) -> dict[str, dict[str, Tensor]]:
    """The numeric options in which the objectives differ, as tensors `[K]`.

    >>> from losslab.losses import focal
    >>> runs = [Objective([Term("focal", focal, options={"gamma": g})]) for g in (0.0, 2.0)]
    >>> numbers_of(runs)
    {'focal': {'gamma': tensor([0., 2.])}}
    """
    found: dict[str, dict[str, Tensor]] = {}
    for terms in zip(*(objective.terms for objective in objectives), strict=True):
        weights = [term.class_weight for term in terms]
        if any(w is not None and not torch.equal(w, weights[0]) for w in weights):
            found.setdefault(terms[0].name, {})[CLASS_WEIGHT] = torch.stack(weights)
        for option, value in terms[0].options.items():
            values = [term.options[option] for term in terms]
            if any(v != value for v in values):
                found.setdefault(terms[0].name, {})[option] = torch.tensor(values).float()
    return found


class VectorizedStep:
    """K runs trained together.

    What they draw while training (dropout, a VAE's noise) comes from one generator for all: each
    run and step has its own, as it has alone, but which depends on how many are drawn for and in
    what order. A stack that is trained again draws the same.

    Args:
        models: one for each run, alike but for their weights, on their device.
        objectives: one for each run, bound, alike but for numeric options and weights.
        optimizer: moves the stacked weights.
        inputs: names of the tensors the models ask for, in order.
        main_output: what a lone output tensor is called.
        shared_batches: whether all runs see the same batches in the same order.
        clip_norm: largest norm of each run's gradient.
    """

    def __init__(
        self,
        models: Sequence[nn.Module],
        objectives: Sequence[Objective],
        optimizer: StackedOptimizer,
        *,
        inputs: Sequence[str],
        main_output: str,
        shared_batches: bool,
        clip_norm: float | None = None,
    ) -> None:
        self.runs = len(models)
        self.objectives = tuple(objectives)
        self.optimizer = optimizer
        self.inputs = tuple(inputs)
        self.clip_norm = clip_norm
        self._batch_axis = None if shared_batches else 0
        self._model = NamedModel(copy(models[0]), main_output)
        weights, buffers = stack_module_state(list(models))
        self._shapes = {name: weight.shape[1:] for name, weight in weights.items()}
        self.shapes = list(self._shapes.values())
        self.sizes = [shape.numel() for shape in self.shapes]
        self.weights = torch.cat([w.detach().flatten(1) for w in weights.values()], 1)
        self.buffers = {name: buffer.detach() for name, buffer in buffers.items()}
        device = self.weights.device
        self.numbers = {
            term: {option: values.to(device) for option, values in options.items()}
            for term, options in numbers_of(objectives).items()
        }
        self._traced: dict[Shapes, Program] = {}
        self._compiled: dict[Shapes, Program] = {}
        self.alive = [True] * self.runs
        self._mask: Tensor | None = None  # the same on the device, once a run has ended
        weighted = [term.weight for objective in objectives for term in objective.terms]
        self._scheduled = any(callable(weight) for weight in weighted)
        self._factors: dict[str, Tensor] | None = None

    def train(self, batch: Batch, time: float) -> list[Tensor]:
        """Learn from one batch, `[K, batch, …]` or shared; each term's value, `[K]`."""
        self.optimizer.set_time(time)
        compiled = self._compiled.get(_shapes_of(batch))
        if compiled is None:
            gradients, values = self.gradients(batch, time)
            self.optimizer.update(self.weights, self._clipped(gradients), self._mask)
            return values
        return list(compiled(*self._arguments_of_whole(batch, time)))

    def compile(self, batch: Batch) -> None:
        """Compile the whole step, gradients and update, for batches of this shape.

        It is tried at once. Batches of another shape, as an epoch's last, are trained as before.

        Raises:
            Exception: whatever torch's compiler says, as where there is no C++ compiler.
        """
        from torch import _inductor as inductor
        from torch._inductor import config
        from torch.fx.experimental.proxy_tensor import make_fx

        shapes = _shapes_of(batch)
        of_all = self._program(batch)

        def whole(arguments: Any, now: Now, moments: Sequence[Tensor], alive: Tensor) -> Any:
            gradients, values = of_all(*arguments)
            self.optimizer.move(arguments[0], self._clipped(gradients), now, moments, alive)
            return values

        try:
            with self.leaving_no_trace():
                # Traced first, so that no other step's program is taken for a variant of this one.
                arguments = self._arguments_of_whole(batch, 0.0)
                traced = make_fx(whole)(*arguments)
                with config.patch(compile_threads=1):  # helpers would be started as it trains
                    self._compiled[shapes] = inductor.compile(traced, list(arguments))
                    self.train(batch, 0.0)
        except BaseException:
            self._compiled.pop(shapes, None)
            raise

    def drop_compiled(self) -> None:
        """Go on as if it had never been compiled."""
        self._compiled.clear()

    def _arguments_of_whole(self, batch: Batch, time: float) -> tuple[Any, ...]:
        now = self.optimizer.advance(self.weights)
        alive = self.weights.new_ones(self.runs).bool() if self._mask is None else self._mask
        return self._arguments(batch, time), now, self.optimizer.moments, alive

    def _clipped(self, gradients: Tensor) -> Tensor:
        if self.clip_norm is None:
            return gradients
        norms: Tensor = gradients.norm(dim=1, keepdim=True)
        return gradients * (self.clip_norm / (norms + 1e-6)).clamp(max=1)

    def stop(self, run: int) -> None:
        """The run has ended: its weights stay as they are."""
        self.alive[run] = False
        self._mask = torch.tensor(self.alive, device=self.weights.device)

    def gradients(self, batch: Batch, time: float) -> tuple[Tensor, list[Tensor]]:
        """All runs' gradients `[K, weights]`, and each term's value `[K]`."""
        gradients, values = self._program(batch)(*self._arguments(batch, time))
        return gradients, list(values)

    def _arguments(self, batch: Batch, time: float) -> tuple[Any, ...]:
        return self.weights, self.buffers, dict(batch), self.numbers, self._term_weights(time)

    def _program(self, batch: Batch) -> Program:
        """What gives gradients and values, for batches of this shape."""
        shapes = _shapes_of(batch)
        if shapes not in self._traced:
            self._traced[shapes] = self._trace(self._arguments(batch, 0.0))
        return self._traced[shapes]

    def _trace(self, arguments: tuple[Any, ...]) -> Program:
        """All runs' gradients and values as one list of operations, without vmap's own work."""
        axes = (0, 0, self._batch_axis, 0, 0)
        of_all = vmap(self._one_run, axes, randomness="different")

        def together(weights: Any, *others: Any) -> Any:
            leaf = weights.detach().requires_grad_()
            totals, values = of_all(leaf, *others)
            # Each total is of one run's weights, so the gradient of their sum holds that of each;
            # `torch.func.grad` says the same, and imports torch's compiler.
            (gradients,) = torch.autograd.grad(totals.sum(), leaf)
            return gradients, [value.detach() for value in values]

        weights, buffers, *others = arguments
        untouched = {name: buffer.clone() for name, buffer in buffers.items()}  # it is run, too
        try:
            return record(together, weights, untouched, *others)
        except Exception:  # what can't be recorded can still be run
            return vmap(grad(self._one_run, has_aux=True), axes, randomness="different")

    def _one_run(
        self,
        weights: Tensor,
        buffers: Mapping[str, Tensor],
        batch: Batch,
        numbers: Numbers,
        term_weights: Mapping[str, Tensor],
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        outputs, tensors = self._outputs(weights, buffers, batch)
        objective = _with_numbers(self.objectives[0], numbers, term_weights)
        value = objective.forward({**batch, **outputs, **tensors}, 0.0)
        return value.total, tuple(value.values.values())

    def _outputs(
        self, weights: Tensor, buffers: Mapping[str, Tensor], batch: Batch
    ) -> tuple[Outputs, dict[str, Any]]:
        pieces = torch.split(weights, self.sizes)
        parameters = {
            name: piece.reshape(shape)
            for piece, (name, shape) in zip(pieces, self._shapes.items(), strict=True)
        }
        state = {f"model.{name}": tensor for name, tensor in {**parameters, **buffers}.items()}

        def model(input: Tensor) -> Outputs:
            inputs = [{**batch, "input": input}[name] for name in self.inputs]
            return functional_call(self._model, state, (inputs,))  # type: ignore[no-any-return]

        outputs = functional_call(self._model, state, ([batch[name] for name in self.inputs],))
        return outputs, {"parameters": parameters, "model": model}

    def _term_weights(self, time: float) -> dict[str, Tensor]:
        """Each term's weight at `time` for every run, `[K]`."""
        if self._factors is None or self._scheduled:
            self._factors = {
                terms[0].name: self.weights.new_tensor([term.weight_at(time) for term in terms])
                for terms in zip(*(objective.terms for objective in self.objectives), strict=True)
            }
        return self._factors

    @contextmanager
    def leaving_no_trace(self) -> Iterator[None]:
        """Within it, training may be tried: all that it moves is put back."""
        weights = self.weights.clone()
        buffers = {name: buffer.clone() for name, buffer in self.buffers.items()}
        steps, moments = self.optimizer.steps, [m.clone() for m in self.optimizer.moments]
        try:
            with torch.random.fork_rng():
                yield
        finally:
            self.weights.copy_(weights)
            for name, buffer in self.buffers.items():
                buffer.copy_(buffers[name])
            self.optimizer.steps, self.optimizer.moments = steps, moments

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Within it, the models answer as in use: no gradient, no dropout."""
        self._model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self._model.train()

    def evaluate(
        self, batch: Batch, time: float, *, shared: bool = True
    ) -> tuple[Outputs, Tensor, dict[str, Tensor]]:
        """All runs' answers `[K, batch, …]`, objectives `[K]` and terms `[K]` on one batch."""

        def one(
            row: Tensor,
            buffers: Mapping[str, Tensor],
            batch: Batch,
            numbers: Numbers,
            term_weights: Mapping[str, Tensor],
        ) -> tuple[Outputs, Tensor, dict[str, Tensor]]:
            outputs, tensors = self._outputs(row, buffers, batch)
            objective = _with_numbers(self.objectives[0], numbers, term_weights)
            value = objective.forward({**batch, **outputs, **tensors}, 0.0)
            return outputs, value.total, value.values

        of_all = vmap(one, in_dims=(0, 0, None if shared else 0, 0, 0), randomness="different")
        factors = self._term_weights(time)
        return of_all(self.weights, self.buffers, dict(batch), self.numbers, factors)

    def keep(self, runs: Sequence[int]) -> None:
        """Go on with these runs only, in this order."""
        rows = list(runs)
        self.runs = len(rows)
        self.objectives = tuple(self.objectives[row] for row in rows)
        self.weights = self.weights[rows]
        self.alive = [self.alive[row] for row in rows]
        self._mask = None if all(self.alive) else torch.tensor(self.alive).to(self.weights.device)
        self._factors = None
        self.buffers = {name: buffer[rows] for name, buffer in self.buffers.items()}
        self.numbers = {
            term: {option: values[rows] for option, values in options.items()}
            for term, options in self.numbers.items()
        }
        self.optimizer.keep(rows)
        self._traced.clear()  # they were made for more
        self.drop_compiled()

    def put(self, states: Sequence[Mapping[str, Tensor] | None]) -> None:
        """Give runs other weights and buffers; None leaves a run as it is."""
        for run, state in enumerate(states):
            if state is not None:
                self.weights[run] = torch.cat([state[name].flatten() for name in self._shapes])
                for name, buffer in self.buffers.items():
                    buffer[run] = state[name]

    def state_of(self, run: int) -> dict[str, Tensor]:
        """One run's `state_dict`."""
        pieces = torch.split(self.weights[run], self.sizes)
        state = {
            name: piece.reshape(shape).clone()
            for piece, (name, shape) in zip(pieces, self._shapes.items(), strict=True)
        }
        return state | {name: buffer[run].clone() for name, buffer in self.buffers.items()}


def _shapes_of(batch: Batch) -> Shapes:
    return tuple(tensor.shape for tensor in batch.values())


def _with_numbers(
    objective: Objective, numbers: Numbers, term_weights: Mapping[str, Tensor]
) -> Objective:
    """The objective of one run: the same terms with its own numbers."""
    own = copy(objective)
    own.terms = tuple(
        _term(term, numbers.get(term.name, {}), term_weights) for term in objective.terms
    )
    return own


def _term(term: Term, options: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Term:
    own = copy(term)
    if CLASS_WEIGHT in options:
        own._buffers = {**term._buffers, "class_weight": options[CLASS_WEIGHT]}
    own.options = {**term.options, **{k: v for k, v in options.items() if k != CLASS_WEIGHT}}
    own.weight = weights[term.name]  # type: ignore[assignment]  # a number, under vmap
    return own
