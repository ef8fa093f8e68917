"""Preflight: everything that can be known to go wrong is said before the first step."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from ..data.source import Batch, Source, TensorSource
from ..data.spec import Spec
from ..errors import UserError
from ..losses.names import FROM_THE_STEP
from ..losses.objective import Objective
from ..losses.watch import PROBABILITY, Watch
from .step import EagerStep, NamedModel, Outputs

DOUBLE_ACTIVATION = "applies a sigmoid or softmax to what is a probability already"
_FITS = {"classes": "cross_entropy", "binary": "bce", "multilabel": "bce", "real": "mse"}
_FITS |= {
    "discrete_action": "policy_gradient",
    "continuous_action": "gaussian_policy_gradient",
}
_FOR_CLASSES = frozenset(
    {"cross_entropy", "binary_cross_entropy_with_logits", "binary_cross_entropy", "nll_loss"}
)
_FOR_NUMBERS = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
_TINY = 4  # samples in the batch that is tried
_SCAN_BATCH = 256


def try_model(model: nn.Module, inputs: tuple[str, ...], main_output: str, batch: Batch) -> Outputs:
    """The model's outputs for a tiny batch.

    Raises:
        UserError: the model can't take this input.
    """
    try:
        with torch.no_grad():
            return NamedModel(model, main_output)([batch[name] for name in inputs])  # type: ignore[no-any-return]
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        shapes = ", ".join(f"{name} {list(batch[name].shape)}" for name in inputs)
        raise UserError(
            f"model {type(model).__name__} can't take {shapes}: {_first_line(error)}. "
            "Choose a model for this kind of data, or change the model's sizes"
        ) from error


def bind(objective: Objective, batch: Batch, outputs: Outputs, main_output: str) -> None:
    """Find who supplies each tensor that the losses ask for.

    Raises:
        UserError: names that nobody supplies.
    """
    try:
        objective.bind(batch.keys(), outputs.keys(), main_output)
    except ValueError as error:
        raise UserError(str(error)) from error


def check_domains(objective: Objective, source: Source, batch: Batch, outputs: Outputs) -> None:
    """See that targets and weights are what the losses take: in memory all of them, else one batch.

    Raises:
        UserError: values outside the domain that a loss declares.
    """
    batches = source.batches("train", _SCAN_BATCH) if isinstance(source, TensorSource) else [batch]
    for part in batches:
        size = len(next(iter(part.values())))
        # Of the outputs only the shape matters here: one sample's stand for all.
        stand_in = {
            name: value.detach()[:1].expand(size, *value.shape[1:])
            if value.ndim and len(value)
            else value
            for name, value in outputs.items()
        }
        for term in objective.terms:
            tensors = {**part, **stand_in, **dict.fromkeys(FROM_THE_STEP)}
            _check_term(term, tensors, _FITS[source.spec.target])


def _check_term(term: Any, tensors: Mapping[str, Any], fitting: str) -> None:
    try:
        arguments, weight = term.arguments(tensors)
    except ValueError as error:
        raise UserError(f"loss.{term.name}: {error}") from error
    if weight is not None:
        arguments = {**arguments, "weight": weight}
    for name, domain in term.signature.domains.items():
        if isinstance(arguments.get(name), Tensor):
            problem = domain.violation(arguments[name], {**arguments, **term.options})
            if problem:
                source = term.sources.get(name, name)
                called = name if source == name else f"{name} (here {source})"
                raise UserError(
                    f"loss.{term.name}: {called} out of its domain: {problem}. "
                    f"Correct the data, or choose a loss for this kind of target, as loss={fitting}"
                )


def check_shapes(objective: Objective, tensors: Mapping[str, Any], size: int) -> None:
    """See that each loss answers per element, per sample or per batch, and broadcast nothing.

    Args:
        objective: bound.
        tensors: all that a loss may ask for, by name.
        size: samples in the batch.

    Raises:
        UserError: values of another shape; `(n, 1)` against `(n,)` gives n × n, for example.
    """
    for term in objective.terms:
        arguments, _ = term.arguments(tensors)
        if "parameters" in term.sources.values():
            continue
        values = term.function(**arguments, **term.options)
        asked = {n: a for n, a in arguments.items() if isinstance(a, Tensor)}
        crossed = values.shape[1:2] == (size,) and all(
            a.shape[1:2] != (size,) for a in asked.values()
        )
        if values.ndim and (len(values) != size or crossed):
            shapes = ", ".join(f"{n} {list(a.shape)}" for n, a in asked.items())
            raise UserError(
                f"loss.{term.name} returned shape {list(values.shape)} for {shapes}: expected [] "
                f"or [{size}, …], one value per sample or element. Give its tensors the same shape"
            )


def check_options(objective: Objective, step: EagerStep, batch: Batch, outputs: Outputs) -> None:
    """See that the losses take their options, where those are tensors later on, and not asked.

    Raises:
        UserError: an option outside its range.
    """
    try:
        with torch.no_grad():
            objective.forward(step.tensors(batch, outputs), 0.0)
    except ValueError as error:
        raise UserError(_first_line(error)) from error


def try_step(step: EagerStep, batch: Batch) -> list[str]:
    """One forward and backward pass of a tiny batch; returns what is worth noting.

    Raises:
        UserError: the loss can't be computed, is not finite, or gives no gradient.
    """
    try:
        with torch.no_grad():
            tensors = step.tensors(batch, step.outputs(batch))
            check_shapes(step.objective, tensors, len(next(iter(batch.values()))))
        watch = Watch(step.parameters.values(), values=False)
        with watch:
            value = step.compute(batch, 0.0)
    except (ValueError, RuntimeError, TypeError, IndexError) as error:
        shapes = ", ".join(f"{k} {list(v.shape)}" for k, v in batch.items())
        raise UserError(
            f"the loss can't be computed: {_first_line(error)}. The batch holds {shapes}. "
            "Choose a loss and a model that fit this kind of target"
        ) from error
    for name, term_value in value.values.items():
        if not torch.isfinite(term_value):
            raise UserError(
                f"loss.{name} is {term_value.item()} on the first batch, before any training"
                f"{_first_not_finite(step, batch)}. Look for log(0), 0/0 or an overflow in it"
            )
    if not value.total.requires_grad:
        cut = f"cut by {watch.cuts[0]}" if watch.cuts else "a constant"
        raise UserError(
            f"no gradient reaches the model: the loss is {cut}. `losslab check` on the loss says "
            "what to write instead"
        )
    notes = [
        f"loss.{name} gives no gradient: it changes the number and nothing else"
        for name, term_value in value.values.items()
        if not term_value.requires_grad
    ]
    if watch.double is not None:
        notes.append(f"{watch.double} {DOUBLE_ACTIVATION}: take one of them away")
    notes += _mixed_samples(step)
    torch.autograd.backward(value.total)
    idle = [name for name, p in step.parameters.items() if p.requires_grad and p.grad is None]
    if len(idle) == len(step.parameters):
        raise UserError("no gradient reaches any parameter of the model")
    if idle:
        notes.append(
            f"{len(idle)} of {len(step.parameters)} parameters get no gradient, e.g. {idle[0]}"
        )
    elif all(p.grad is None or not bool(p.grad.any()) for p in step.parameters.values()):
        notes.append(
            f"the gradient is 0 on the first {len(next(iter(batch.values())))} samples: `losslab "
            "check` with the same words says whether it always is"
        )
    bad = [
        n for n, p in step.parameters.items() if p.grad is not None and not p.grad.isfinite().all()
    ]
    if bad:
        raise UserError(
            f"the gradient of {bad[0]} is not finite on the first batch, though the loss is: "
            "look for sqrt(0), 0 · log(0) or where() around such a value"
        )
    step.optimizer.zero_grad()
    return notes


def mismatches(objective: Objective, tensors: Mapping[str, Any], spec: Spec) -> list[str]:
    """A note for each loss that takes this kind of target for another, and does not refuse it.

    Args:
        objective: bound.
        tensors: all that a loss may ask for, by name.
        spec: of the data.
    """
    notes = []
    for term in objective.terms:
        if not {"target", spec.main_output} <= {*term.sources.values()}:
            continue
        arguments, _ = term.arguments(tensors)
        watch = Watch([tensors[spec.main_output]], values=False)
        with watch, torch.no_grad():
            term.function(**arguments, **term.options)
        for_classes = watch.names & _FOR_CLASSES
        if spec.target == "real" and for_classes:
            name = min(for_classes)
            one_channel = "of one channel it is a constant"
            unbounded = "of targets outside [0, 1] it falls without bound"
            notes.append(
                f"loss.{term.name}: {name} is for classes, and this target is real-valued: "
                f"{unbounded if name.startswith('binary') else one_channel}. loss=mse fits"
            )
        elif spec.target != "real" and watch.names & _FOR_NUMBERS and not watch.names & PROBABILITY:
            notes.append(
                f"loss.{term.name}: a squared or absolute error of raw scores punishes answers "
                "that are right and sure, and this target is of classes: "
                f"loss={_FITS[spec.target]} fits, or brier, the squared error of probabilities"
            )
    return notes


def _first_not_finite(step: EagerStep, batch: Batch) -> str:
    """Which operation made NaN or infinity, found by doing it once more under watch."""
    watch = Watch(step.parameters.values())
    with watch, torch.no_grad():
        step.compute(batch, 0.0)
    return f", first made by {watch.not_finite}" if watch.not_finite else ""


def _mixed_samples(step: EagerStep) -> list[str]:
    """A note for each loss that may take one sample's derivative for another's."""
    if not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in step.model.modules()):
        return []
    return [
        f"loss.{term.name} asks the model again, in which samples see each other through batch "
        "normalisation: a derivative by the input is then not that of each sample"
        for term in step.objective.terms
        if "model" in term.sources.values()
    ]


def preflight(
    step: EagerStep, source: Source, batch: Batch, outputs: Outputs, objective: Objective
) -> list[str]:
    """Domains, then one tiny step; what is worth noting."""
    check_domains(objective, source, batch, outputs)
    notes = try_step(step, batch)
    return notes + mismatches(objective, step.tensors(batch, outputs), source.spec)


def tiny_batch(source: Source, device: torch.device) -> Batch:
    """The first few samples of the training data, on the device."""
    if source.size("train") == 0:
        raise UserError("there is no training data: the train split is empty")
    batch = next(islice(source.batches("train", min(_TINY, source.size("train"))), 1))
    return {name: tensor.to(device) for name, tensor in batch.items()}


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")
