"""A step: one batch in, the gradient taken, the weights moved.

The loop knows a step only through `Step`, which speaks of K runs at once: every value it returns is
`[]` for one run or `[K]` for several.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..data.source import Batch
from ..losses.names import read_signature
from ..losses.objective import Objective, ObjectiveValue
from ..losses.schedules import Schedule
from .optimizer import stepper
from .seeding import leaving_no_trace
from .term_gradients import TermGradients, cosines, module_shares, shares, term_gradients

Outputs = dict[str, Tensor]


class Step(Protocol):
    """What the loop asks of a way to train.

    Attributes:
        runs: how many runs are trained together, K.
    """

    runs: int

    def train(self, batch: Batch, time: float) -> Sequence[Tensor]:
        """Learn from one batch; each term's value before its weight, `[]` or `[K]`."""
        ...

    def flush(self) -> None:
        """Apply gradients that are still being accumulated, at the end of an epoch."""
        ...

    def evaluate(self, batch: Batch, time: float) -> tuple[Outputs, ObjectiveValue]:
        """The model's answers and the objective, without learning."""
        ...

    @property
    def between_updates(self) -> bool:
        """Whether no gradient is being accumulated, so that `state` is complete."""
        ...

    @property
    def learning_rate(self) -> float:
        """The current learning rate."""
        ...

    def measures(self) -> dict[str, float]:
        """What it has to tell of itself after an epoch: `lr`, its learning rate, and the like."""
        ...

    def evaluating(self) -> AbstractContextManager[None]:
        """Within it, the model answers as in use: no gradient, no dropout."""
        ...

    def leaving_no_trace(self) -> AbstractContextManager[None]:
        """Within it, the model may be tried: buffers and random state are put back."""
        ...

    def gradient_shares(self, batch: Batch, time: float) -> dict[str, float]:
        """Each term's share of the sum of the terms' gradient norms, on one batch."""
        ...

    def gradient_measures(self, batch: Batch, time: float) -> dict[str, float]:
        """`gradient_shares/TERM`, also within each module, and `gradient_cosine/TERM/TERM`."""
        ...

    def is_finite(self) -> bool:
        """Whether every weight is finite."""
        ...

    def state(self) -> dict[str, Any]:
        """All that a checkpoint needs to continue exactly here."""
        ...

    def load(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`."""
        ...


class NamedModel(nn.Module):
    """A model that is called with a batch and answers with named tensors.

    The model's `forward` names the tensors it asks for. A lone tensor it returns is called
    `main_output`, and so is the one called `answer` among several.

    Args:
        model: any module; returns a tensor, or a mapping of names to tensors.
        main_output: `logits` or `prediction`, from the data's spec.
    """

    def __init__(self, model: nn.Module, main_output: str) -> None:
        super().__init__()
        self.model = model
        self.main_output = main_output

    def forward(self, inputs: Sequence[Tensor]) -> Outputs:
        """The model's outputs by name.

        Raises:
            TypeError: the model returned something else.
            ValueError: two answers under one name.
        """
        answer = self.model(*inputs)
        if isinstance(answer, Tensor):
            return {self.main_output: answer}
        if not isinstance(answer, Mapping):
            raise TypeError(
                f"model {type(self.model).__name__} returned a {type(answer).__name__}: "
                "expected a tensor, or a dict of named tensors"
            )
        outputs = dict(answer)
        if "answer" not in outputs:
            return outputs
        if self.main_output in outputs:
            raise ValueError(
                f"model {type(self.model).__name__} gives both an answer, which is called "
                f"{self.main_output} for this target, and '{self.main_output}': rename one"
            )
        return {self.main_output: outputs.pop("answer"), **outputs}


class EagerStep:
    """One run, the way PyTorch trains: a module, autograd, and a torch optimizer.

    Args:
        model: on its device.
        objective: bound, on the same device.
        optimizer: holds the model's parameters.
        inputs: names of the tensors the model asks for, in order.
        main_output: what a lone output tensor is called.
        lr: the learning rate, or its schedule over epochs.
        accumulate: batches whose gradients are averaged into one update.
        clip_norm: largest norm of the gradient.
        autocast: run the model under bf16 autocast.
        distributed: average gradients over the ranks of the process group.
    """

    runs = 1

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        optimizer: torch.optim.Optimizer,
        *,
        inputs: Sequence[str],
        main_output: str,
        lr: float | Schedule,
        accumulate: int = 1,
        clip_norm: float | None = None,
        autocast: bool = False,
        distributed: bool = False,
    ) -> None:
        self.model = model
        self.objective = objective
        self.optimizer = optimizer
        self._update = stepper(optimizer)
        self.inputs = tuple(inputs)
        self.lr = lr if callable(lr) else None
        self.accumulate = accumulate
        self.clip_norm = clip_norm
        self.parameters = dict(model.named_parameters())
        self._accumulated = 0
        self._device_type = next(iter(self.parameters.values())).device.type
        self._autocast = autocast
        self._needs_closure = isinstance(optimizer, torch.optim.LBFGS)
        self._local = NamedModel(model, main_output)
        self._named: nn.Module = self._local
        if distributed:
            self._named = nn.parallel.DistributedDataParallel(self._local)

    def compile(self) -> None:
        """Compile the model with `torch.compile`, at its next call."""
        self._named = torch.compile(self._named)  # type: ignore[assignment]  # a module in and out

    def outputs(
        self, batch: Batch, model: Callable[[Sequence[Tensor]], Outputs] | None = None
    ) -> Outputs:
        """The answers of the model, or of `model` in its place, by name."""
        model = model or self._named
        inputs = [batch[name] for name in self.inputs]
        if not self._autocast:
            return model(inputs)
        with torch.autocast(self._device_type, dtype=torch.bfloat16):
            return model(inputs)

    def compute(self, batch: Batch, time: float) -> ObjectiveValue:
        """The objective on one batch, ready to be differentiated."""
        return self.objective.forward(self.tensors(batch, self.outputs(batch)), time)

    def minimised(self, value: ObjectiveValue) -> Tensor:
        """What is differentiated to move the weights: the objective."""
        return value.total

    def tensors(self, batch: Batch, outputs: Outputs) -> dict[str, Any]:
        """All that a loss may ask for, by name."""

        def model(input: Tensor) -> Outputs:
            # A batch norm that is asked again counts once, and may not write under `torch.func`.
            buffers = {name: buffer.clone() for name, buffer in self._local.named_buffers()}
            again = partial(functional_call, self._local, buffers)
            return self.outputs({**batch, "input": input}, again)

        return {**batch, **outputs, "parameters": self.parameters, "model": model}

    def train(self, batch: Batch, time: float) -> Sequence[Tensor]:
        """See `Step.train`."""
        if self.lr is not None:
            self.optimizer.param_groups[0]["lr"] = self.lr(time)
        if self._needs_closure:
            return self._train_with_closure(batch, time)
        value = self.compute(batch, time)
        total = self.minimised(value)
        torch.autograd.backward(total if self.accumulate == 1 else total / self.accumulate)
        self._accumulated += 1
        if self._accumulated == self.accumulate:
            self.flush()
        return [v.detach() for v in value.values.values()]

    def flush(self) -> None:
        """See `Step.flush`."""
        if self._accumulated:
            if self._accumulated < self.accumulate:  # the last of an epoch: a mean of fewer batches
                for parameter in self.parameters.values():
                    if parameter.grad is not None:
                        parameter.grad *= self.accumulate / self._accumulated
            if self.clip_norm is not None:
                nn.utils.clip_grad_norm_(self.parameters.values(), self.clip_norm)
            self._update()
            for parameter in self.parameters.values():  # optimizer.zero_grad() costs ten times this
                parameter.grad = None
            self._accumulated = 0

    def _train_with_closure(self, batch: Batch, time: float) -> Sequence[Tensor]:
        """L-BFGS evaluates the objective several times in one step."""
        first: list[Tensor] = []

        def closure() -> Tensor:
            self.optimizer.zero_grad()
            value = self.compute(batch, time)
            torch.autograd.backward(value.total)
            if not first:
                first.extend(v.detach() for v in value.values.values())
            return value.total

        self.optimizer.step(closure)  # type: ignore[arg-type]  # torch wants a float, and takes a tensor
        return first

    @property
    def between_updates(self) -> bool:
        """See `Step.between_updates`."""
        return self._accumulated == 0

    @property
    def learning_rate(self) -> float:
        """See `Step.learning_rate`."""
        return float(self.optimizer.param_groups[0]["lr"])

    def measures(self) -> dict[str, float]:
        """See `Step.measures`."""
        return {"lr": self.learning_rate}

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """See `Step.evaluating`."""
        before = self.model.training  # it may be asked to act while it is evaluated
        self.model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.model.train(before)

    def answer(self, batch: Batch) -> Outputs:
        """The outputs of the model in use, for who follows it."""
        with self.evaluating():
            return self.outputs(batch, self._local)

    def leaving_no_trace(self) -> AbstractContextManager[None]:
        """See `Step.leaving_no_trace`."""
        return leaving_no_trace(self.model)

    def is_finite(self) -> bool:
        """See `Step.is_finite`."""
        return all(bool(p.isfinite().all()) for p in self.parameters.values())

    def evaluate(self, batch: Batch, time: float) -> tuple[Outputs, ObjectiveValue]:
        """See `Step.evaluate`."""
        outputs = self.outputs(batch, self._local)  # ranks need not evaluate in step
        return outputs, self.objective.forward(self.tensors(batch, outputs), time)

    def gradient_shares(self, batch: Batch, time: float) -> dict[str, float]:
        """Each term's share of the sum of the terms' gradient norms, on one batch."""
        return shares(self._term_gradients(batch, time))

    def gradient_measures(self, batch: Batch, time: float) -> dict[str, float]:
        """See `Step.gradient_measures`."""
        gradients = self._term_gradients(batch, time)
        found = shares(gradients)
        found |= module_shares(gradients, list(self.parameters))
        values = {f"gradient_shares/{name}": share for name, share in found.items()}
        return values | {f"gradient_cosine/{n}": cosine for n, cosine in cosines(gradients).items()}

    def _term_gradients(self, batch: Batch, time: float) -> TermGradients:
        outputs = self.outputs(batch, self._local)
        value = self.objective.forward(self.tensors(batch, outputs), time)
        return term_gradients(value.contributions, list(self.parameters.values()))

    def state(self) -> dict[str, Any]:
        """See `Step.state`; called between updates only."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "objective": self.objective.state_dict(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """See `Step.load`."""
        self.model.load_state_dict(state["model"])
        # The moments are the checkpoint's; lr, betas, … are those asked for now.
        asked = [
            {key: value for key, value in group.items() if key != "params"}
            for group in self.optimizer.param_groups
        ]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, options in zip(self.optimizer.param_groups, asked, strict=True):
            group.update(options)
        self.objective.load_state_dict(state["objective"])


def model_inputs(model: nn.Module, batch: Batch) -> tuple[str, ...]:
    """Names of the batch's tensors that the model's `forward` asks for, in order.

    A model written elsewhere calls its only argument what it likes (`x`, `inputs`): that is
    `input`.

    Raises:
        ValueError: a name the batch does not give.
    """
    asked = read_signature(model.forward).tensors
    if len(asked) == 1 and asked[0] not in batch:
        return ("input",)
    missing = [name for name in asked if name not in batch]
    if missing or not asked:
        raise ValueError(
            f"model {type(model).__name__} asks for {', '.join(missing) or 'no tensor'}: "
            f"the batch gives {', '.join(sorted(batch))}"
        )
    return asked
