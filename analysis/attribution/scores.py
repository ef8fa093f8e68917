"""What is attributed: the loss of a sample, or its logit, probability or prediction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.func import vmap

from ...data.source import Batch
from ...data.spec import Spec
from ...errors import UserError
from ...training.recorded import record
from ...training.step import EagerStep, Outputs

Of = Literal["loss", "logit", "probability", "prediction"]
_TOLERANCE = 1e-3  # between a sample alone and among others


@dataclass(frozen=True)
class Scores:
    """A `Score`: one number for each sample of a batch, when its input is what is given.

    A class's logit or probability is the mean over the pixels where there is one for each. With one
    logit for yes or no, that of no is its negative.

    Args:
        step: answers as in use; see `losslab.analysis.rebuild.in_use`.
        batch: the samples; all but `input` stays as it is.
        of: what is attributed; the loss is that of the sample alone, its terms weighted.
        spec: of the data.
        classes: whose logit, probability or prediction, `[samples]`; None for the loss.
        time: in epochs; fixes the weights of the terms.
        draws: whether random numbers are drawn, which are then the same at every call.
    """

    step: EagerStep
    batch: Batch
    of: Of
    spec: Spec
    classes: Tensor | None = None
    time: float = 0.0
    draws: bool = False
    _programs: dict[torch.Size, Callable[[Tensor], Tensor]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __call__(self, inputs: Tensor) -> Tensor:
        """The scores, `[samples]`."""
        if not self.draws:
            return self._program(inputs)(inputs)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return self._numbers(inputs)

    def _program(self, inputs: Tensor) -> Callable[[Tensor], Tensor]:
        """What gives the numbers of inputs of this shape: their operations, without vmap's work."""
        if inputs.shape not in self._programs:
            try:
                # With a gradient asked for: without, some modules take ways that have none.
                with torch.enable_grad():
                    like = inputs.detach().requires_grad_()
                    self._programs[inputs.shape] = record(self._numbers, like)
            except Exception:  # what can't be recorded can still be run, or says why not
                self._programs[inputs.shape] = self._numbers
        return self._programs[inputs.shape]

    def _numbers(self, inputs: Tensor) -> Tensor:
        batch = {**self.batch, "input": inputs}
        outputs = self.step.outputs(batch)
        if self.of == "loss":
            return _own_losses(self.step, batch, outputs, self.time)
        assert self.classes is not None
        return self.answers(outputs).gather(1, self.classes.unsqueeze(1))[:, 0]

    def answers(self, outputs: Outputs) -> Tensor:
        """What can be attributed, by class: `[samples, classes]`."""
        answer = outputs[self.spec.main_output]
        binary = self.spec.target == "binary"
        if binary:
            answer = torch.cat([-answer, answer], 1)
        if self.of == "probability":
            single = self.spec.target in ("binary", "multilabel")
            answer = answer.sigmoid() if single else answer.softmax(1)
        return answer.flatten(2).mean(2) if answer.ndim > 2 else answer

    def first(self) -> "Scores":
        """Of the first sample alone."""
        batch = {name: tensor[:1] for name, tensor in self.batch.items()}
        classes = None if self.classes is None else self.classes[:1]
        return replace(self, batch=batch, classes=classes)

    def of_step(self, step: EagerStep) -> "Scores":
        """The same, of another model."""
        return replace(self, step=step)


def scores_of(
    step: EagerStep, batch: Batch, spec: Spec, of: str, chosen: str | None = None, time: float = 0.0
) -> Scores:
    """What is attributed, for the samples of a batch.

    Args:
        step: answers as in use.
        batch: the samples.
        spec: of the data.
        of: `loss`, `logit`, `probability` or `prediction`.
        chosen: class, label or output, by name or number; None takes the answer of each sample, or
            yes where the answer is yes or no.
        time: in epochs.

    Raises:
        UserError: what is not to be had of this run, or samples that are not their own.
    """
    if of not in get_args(Of):
        raise UserError(f"--of must be one of {', '.join(get_args(Of))}; got {of}")
    if not batch["input"].is_floating_point():
        raise UserError(f"the input is of {batch['input'].dtype}, which has no gradient")
    scores = Scores(step, batch, of, spec, time=time)  # type: ignore[arg-type]  # seen above
    with torch.no_grad(), torch.random.fork_rng():
        outputs = step.outputs(batch)
        if of == "loss":
            if chosen is not None:
                raise UserError("--class is for --of logit, probability or prediction")
        else:
            _check_output(of, spec, outputs)
            classes = _classes(scores.answers(outputs), spec, chosen)
            scores = replace(scores, classes=classes)
        return _checked(scores)


def _own_losses(step: EagerStep, batch: Batch, outputs: Outputs, time: float) -> Tensor:
    """The objective of each sample as if it were a batch of its own, `[samples]`."""
    size = len(batch["input"])
    tensors = step.tensors(batch, outputs)
    rows = {
        name: tensor
        for name, tensor in tensors.items()
        if isinstance(tensor, Tensor) and tensor.ndim and len(tensor) == size
    }

    def alone(row: Mapping[str, Tensor]) -> Tensor:
        own: dict[str, Any] = {name: tensor.unsqueeze(0) for name, tensor in row.items()}
        return step.objective.forward({**tensors, **own}, time).total

    try:
        return vmap(alone, randomness="different")(rows)
    except RuntimeError:  # a loss that asks for values, as `.item()` does: one by one
        each = ({name: tensor[i] for name, tensor in rows.items()} for i in range(size))
        return torch.stack([alone(row) for row in each])


def _check_output(of: str, spec: Spec, outputs: Outputs) -> None:
    numbers = spec.main_output == "prediction"
    if spec.main_output not in outputs:
        raise UserError(
            f"the model gives no {spec.main_output}, only {', '.join(sorted(outputs))}: say "
            "--of loss"
        )
    if numbers != (of == "prediction"):
        right = "prediction" if numbers else "logit, or --of probability"
        raise UserError(f"the target is {spec.target}, so there is no {of}: say --of {right}")


def _classes(answers: Tensor, spec: Spec, chosen: str | None) -> Tensor:
    """The class of each sample, `[samples]`."""
    count = answers.shape[1]
    if chosen is None:
        if count > 1 and (spec.target == "real" or (spec.dense and spec.target != "binary")):
            raise UserError(f"which of them? --class {_known(spec, count)}")
        answer = answers.argmax(1)
        return torch.ones_like(answer) if spec.target == "binary" else answer
    names = [*spec.labels] if len(spec.labels) == count else []
    if chosen in names:
        index = names.index(chosen)
    elif chosen.isdecimal() and int(chosen) < count:
        index = int(chosen)
    else:
        raise UserError(f"there is no class {chosen}: --class must be {_known(spec, count)}")
    return torch.full((len(answers),), index, device=answers.device)


def _known(spec: Spec, count: int) -> str:
    named = len(spec.labels) == count and count <= 20
    return " or ".join(spec.labels) if named else f"a number from 0 to {count - 1}"


def _checked(scores: Scores) -> Scores:
    """See that samples are their own, and whether there are random numbers in it."""
    inputs = scores.batch["input"]
    with torch.random.fork_rng():
        before = _generators()
        scores(inputs)
        scores = replace(scores, draws=before != _generators())
    values, alone = scores(inputs), scores.first()(inputs[:1])
    if not bool(values.isfinite().all()):
        raise UserError(
            f"the {scores.of} of a sample alone is not finite: where a loss is of several samples "
            "together, say --of logit, probability or prediction"
        )
    scale = values.abs().mean().clamp(min=1e-6)
    if not scores.draws and bool((values[:1] - alone).abs() > _TOLERANCE * scale):
        raise UserError(
            f"the {scores.of} of a sample changes with the others of its batch, so that it has no "
            f"gradient of its own: {type(scores.step.model).__name__} mixes samples"
        )
    return scores


def _generators() -> list[list[int]]:
    """The states of torch's generators."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [state.tolist() for state in (torch.get_rng_state(), *devices)]
