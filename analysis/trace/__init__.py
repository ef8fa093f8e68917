"""A training step, number by number: forward, backward, update."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...data.source import Batch
from ...errors import UserError
from ...losses.term import Term
from ...training.config import TrainerConfig
from ...training.distributed import World
from ...training.report import Report
from ...training.run import Parts, prepare, typed
from .recognised import Moved, gradient_formula, update_formula, weight_formula
from .watched import Made, Watched, jacobian

MOST_WEIGHTS = 500
MOST_NUMBERS = 1024  # of a tensor that is shown


@dataclass(frozen=True)
class Value:
    """A tensor of the forward pass, and how the objective depends on it.

    Args:
        name: of the module that made it, or of the model's output.
        made_by: `Linear(input)`.
        value: `[batch, ...]`.
        gradient: of the objective, of the same shape; None where it does not reach.
        formula: what the gradient is in terms of answer and target, where that is recognised.
        source: the name of the tensor it was made from.
        jacobian: its derivatives by its source; see `watched.jacobian`.
    """

    name: str
    made_by: str
    value: Tensor
    gradient: Tensor | None
    formula: str = ""
    source: str = ""
    jacobian: Tensor | None = None


@dataclass(frozen=True)
class TermValue:
    """A term of the objective.

    Args:
        name: of the term.
        values: what the loss returned, unreduced.
        value: reduced.
        weight: its factor in the objective.
        gradients: of its value, by the model's outputs that it depends on.
    """

    name: str
    values: Tensor
    value: float
    weight: float
    gradients: Mapping[str, Tensor]


@dataclass(frozen=True)
class Point:
    """Where a run stands between two steps.

    Args:
        loss: the objective.
        weights: by name.
        gradients: of the objective, by the name of the weight; zero where it does not reach.
    """

    loss: float
    weights: Mapping[str, Tensor]
    gradients: Mapping[str, Tensor]

    @property
    def gradient_norm(self) -> float:
        """The Euclidean norm of the gradient by all weights."""
        return float(torch.nn.utils.get_total_norm(list(self.gradients.values())))


@dataclass(frozen=True)
class Trace:
    """A run's first step in full, and where each further one leads.

    Args:
        facts: what is traced: loss, model, optimizer, learning rate, and rows of how many.
        batch: the rows that every step is made on.
        values: the forward pass, in its order; see `Value`.
        terms: of the objective.
        formulas: what the first gradient of a weight is made of, where that is recognised.
        rule: what every step did to the weights, where that is recognised.
        points: before the first step, and after each.
    """

    facts: Mapping[str, str]
    batch: Mapping[str, Tensor]
    values: tuple[Value, ...]
    terms: tuple[TermValue, ...]
    formulas: Mapping[str, str]
    rule: str
    points: tuple[Point, ...]


def trace(config: Mapping[str, Any], steps: int = 1) -> Trace:
    """Follow a tiny run number by number, on the first rows of its training data.

    Args:
        config: resolved, as plain containers; see `losslab.training.config.RunConfig`.
        steps: updates that are made, all on the same rows.

    Raises:
        UserError: too many numbers to be read, or whatever keeps `losslab train` from starting.
    """
    if steps < 1:
        raise UserError(f"a trace needs at least 1 step; got {steps}")
    parts, batch = ready(config)
    points = [_point(parts, batch, 0.0)]
    values, terms, formulas = _forward_and_back(parts, batch, points[0].gradients)
    pace = len(next(iter(batch.values()))) / parts.source.size("train")  # epochs per step
    moves: list[Moved] = []
    for step in range(steps):
        parts.step.train(batch, step * pace)
        parts.step.flush()
        before = points[-1]
        points.append(_point(parts, batch, (step + 1) * pace))
        moves += [
            (weight, points[-1].weights[name], before.gradients[name], parts.step.learning_rate)
            for name, weight in before.weights.items()
        ]
    facts = _facts(config, parts, batch)
    return Trace(facts, batch, values, terms, formulas, update_formula(moves), tuple(points))


def ready(config: Mapping[str, Any]) -> tuple[Parts, Batch]:
    """The run before its first step, on the CPU, and the rows that its steps are made on."""
    if config.get("balance"):
        raise UserError(
            "a trace follows the objective as it stands, and balance changes its gradient: set "
            "balance=none"
        )
    trainer = typed(TrainerConfig, {**config["trainer"], "compile": False})
    parts = prepare(config, trainer, torch.device("cpu"), World(), Report())
    weights = sum(p.numel() for p in parts.step.parameters.values())
    if weights > MOST_WEIGHTS:
        raise UserError(
            f"a trace prints every number, and this model has {weights:,} weights: at most "
            f"{MOST_WEIGHTS} can be read. Make it smaller (model.width=2 model.depth=1), or take "
            "data with fewer features (data=values)"
        )
    rows = min(trainer.batch_size, parts.source.size("train"))
    batch = next(iter(parts.source.batches("train", rows)))
    for name, tensor in batch.items():
        _check_size(name, tensor)
    return parts, batch


def _check_size(name: str, tensor: Tensor) -> None:
    if tensor.numel() > MOST_NUMBERS:
        shape = " × ".join(map(str, tensor.shape))
        raise UserError(
            f"a trace prints every number, and {name} has {shape} = {tensor.numel():,}: at most "
            f"{MOST_NUMBERS:,} can be read. Take fewer rows (trainer.batch_size=2) or smaller ones"
        )


def _forward_and_back(
    parts: Parts, batch: Batch, gradients: Mapping[str, Tensor]
) -> tuple[tuple[Value, ...], tuple[TermValue, ...], dict[str, str]]:
    """The first step's forward and backward pass; no weight moves."""
    step = parts.step
    watched = Watched(batch)
    with step.leaving_no_trace():
        with watched.watching(step.model):
            outputs = step.outputs(batch)
        watched.name_outputs(outputs)
        for made in watched.made:
            _check_size(made.name, made.value)
        tensors = step.tensors(batch, outputs)
        objective = step.objective.forward(tensors, 0.0)
        terms = tuple(
            TermValue(
                term.name,
                _unreduced(term, tensors),
                objective.values[term.name].item(),
                float(objective.weights[term.name]),
                _by(objective.values[term.name], outputs),
            )
            for term in step.objective.terms
        )
        reached = _by(objective.total, {made.name: made.tensor for made in watched.made})
        values = tuple(_value(parts, batch, made, reached) for made in watched.made)
    return values, terms, _weight_formulas(watched, reached, gradients)


def _weight_formulas(
    watched: Watched, reached: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
) -> dict[str, str]:
    """`∂loss/∂y ᵀ · x` for the weight of each affine map from x to y where that is so."""
    known = {**watched.batch, **{made.name: made.value for made in watched.made}}
    found = {}
    for made in watched.made:
        if made.module is None or made.name not in reached or made.origin not in known:
            continue
        path, module = made.module
        weight = "weight" if path == "model" else f"{path}.weight"
        output, given = reached[made.name], known[made.origin]
        if weight in gradients and weight_formula(module, gradients[weight], output, given):
            found[weight] = f"(∂loss/∂{made.name})ᵀ · {made.origin}"
    return found


def _value(parts: Parts, batch: Batch, made: Made, reached: Mapping[str, Tensor]) -> Value:
    gradient = reached.get(made.name)
    formula = ""
    if made.name == parts.spec.main_output and gradient is not None and "target" in batch:
        formula = gradient_formula(gradient, made.value, batch["target"], parts.spec)
    source = made.origin if made.source else ""
    derivatives = None if gradient is None else jacobian(made)
    return Value(made.name, made.made_by, made.value, gradient, formula, source, derivatives)


def _by(number: Tensor, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The gradient of the number by each tensor that it depends on."""
    inner = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}
    if not number.requires_grad or not inner:
        return {}
    gradients = torch.autograd.grad(
        number, list(inner.values()), retain_graph=True, allow_unused=True
    )
    return {n: g.detach() for n, g in zip(inner, gradients, strict=True) if g is not None}


def _unreduced(term: Term, tensors: Mapping[str, Any]) -> Tensor:
    arguments, _ = term.arguments(tensors)
    values = term.function(**arguments, **term.options)
    return values.detach()


def _point(parts: Parts, batch: Batch, time: float) -> Point:
    parameters = parts.step.parameters
    with parts.step.leaving_no_trace():
        total = parts.step.compute(batch, time).total
        found = _by(total, parameters)
    gradients = {n: found.get(n, torch.zeros_like(p)) for n, p in parameters.items()}
    weights = {name: p.detach().clone() for name, p in parameters.items()}
    return Point(total.item(), weights, gradients)


def _facts(config: Mapping[str, Any], parts: Parts, batch: Batch) -> dict[str, str]:
    """What is traced, in the words of the configuration."""
    weights = sum(p.numel() for p in parts.step.parameters.values())
    rows, size = len(next(iter(batch.values()))), parts.source.size("train")
    of = "" if rows == size else f" of {size}"
    options = {k: v for k, v in config["optimizer"].items() if k != "_target_" and v}
    rate = options.pop("lr", parts.step.learning_rate)
    factors = [
        ("" if term.weight_at(0.0) == 1 else f"{term.weight_at(0.0):g} ") + _called(term)
        for term in parts.step.objective.terms
    ]
    return {
        "loss": " + ".join(factors),
        "model": f"{type(parts.step.model).__name__} ({weights} weight{'s' * (weights != 1)})",
        "data": f"{parts.source.summary.get('name', 'data')} ({rows}{of} row{'s' * (size != 1)})",
        "optimizer": type(parts.step.optimizer).__name__,
        "lr": f"{rate:g}" if isinstance(rate, float | int) else f"{parts.step.learning_rate:g}",
        "options": ", ".join(f"{key} {value}" for key, value in options.items()),
    }


def _called(term: Term) -> str:
    """The term's name; of a function of the user's, that of the function."""
    own = getattr(term.function, "__name__", type(term.function).__name__)
    return own if term.name == "custom" else term.name
