"""Which tensors a loss asks for, which options it has, and who supplies each name.

The signature is the contract: a parameter without a default asks for a tensor; a keyword-only
parameter, or one with a default, is an option; `weight=None` asks for a tensor that may be absent.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_type_hints

from torch import nn

from .domains import Domain

# What pasted code calls things.
_ALIASES = {
    "target": ("y_true", "y", "labels", "label", "targets", "ground_truth", "true"),
    "weight": ("weights", "sample_weight", "sample_weights", "mask"),
    "input": ("inputs", "x"),
    "parameters": ("params",),
}
_CANONICAL = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
MAIN_OUTPUT = ("y_pred", "y_hat", "pred", "preds", "predictions", "output", "outputs")
"""Aliases of the task's main output, `logits` or `prediction`; those two words mean themselves."""

_WRONG_KIND = {
    "logits": "It is for classes and labels, and this target is real-valued: choose one such as "
    "mse or huber",
    "prediction": "It is for real-valued targets, and this one is of classes or labels: choose one "
    "such as cross_entropy or bce",
}
"""Why a task gives the other of the two main outputs than the one asked for."""

_HEADS = ("logvar", "log_sigma", "log_scale", "nu_logits", "alpha_logits", "beta_logits")
"""Further answers, one per output, that a model may be asked for."""

WEIGHTS = ("weight", *_ALIASES["weight"])
"""Names that ask for a weight or mask, also with the default None: then it may be absent."""

FROM_THE_STEP = ("parameters", "model")
"""What whoever computes the objective supplies: the model's parameters by name, and the model as a
function from the input to its outputs by name, for losses of derivatives."""


def canonical(name: str) -> str:
    """Our word for what pasted code calls `name`; other names are their own.

    >>> canonical("y_true")
    'target'
    """
    return _CANONICAL.get(name, name)


@dataclass(frozen=True)
class Signature:
    """What a loss function asks for.

    Args:
        tensors: names it must be given.
        optional: names it takes when somebody supplies them.
        options: its options with their defaults; `inspect.Parameter.empty` marks one to be set.
        domains: the declared domain of each tensor that has one.
        open: whether it takes any further keyword as an option.
    """

    tensors: tuple[str, ...]
    optional: tuple[str, ...]
    options: Mapping[str, Any]
    domains: Mapping[str, Domain]
    open: bool = False

    def check(self, loss: str, options: Collection[str]) -> None:
        """Raise unless these are options of the loss, or constants for its tensors, and complete.

        Raises:
            ValueError: an option it does not have, with the nearest; or one that must be given.
        """
        for name in options:
            if not self.open and name not in self.options and name not in self.tensors:
                near = get_close_matches(name, self.options, n=1)
                hint = f". Did you mean {near[0]}?" if near else ""
                has = ", ".join(self.options) or "none"
                raise ValueError(f"loss {loss} has no option '{name}': it has {has}{hint}")
        for name, default in self.options.items():
            if default is inspect.Parameter.empty and name not in options:
                raise ValueError(f"loss {loss} also needs {name}: set +loss.{loss}.{name}=…")


def read_signature(function: Callable[..., Any]) -> Signature:
    """The tensors and options that `function` (of a module: its `forward`) asks for.

    >>> def mine(logits, target, weight=None, *, gamma=2.0): ...
    >>> signature = read_signature(mine)
    >>> signature.tensors, signature.optional, dict(signature.options)
    (('logits', 'target'), ('weight',), {'gamma': 2.0})

    Raises:
        ValueError: a function that doesn't tell its parameters, as some of torch's.
    """
    called = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = inspect.signature(called).parameters.values()
    except ValueError as error:
        raise ValueError(
            f"the parameters of {called!r} can't be read: call it from a function of your own, "
            "def my_loss(logits, target): ..."
        ) from error
    tensors, optional, options = [], [], {}
    takes_any = False
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_any = True
        elif parameter.kind is parameter.VAR_POSITIONAL:
            continue
        elif parameter.kind is parameter.KEYWORD_ONLY:
            options[parameter.name] = parameter.default
        elif parameter.default is parameter.empty:
            tensors.append(parameter.name)
        elif parameter.default is None and parameter.name in WEIGHTS:
            optional.append(parameter.name)
        else:
            options[parameter.name] = parameter.default
    return Signature(tuple(tensors), tuple(optional), options, _domains(called), takes_any)


def _domains(function: Callable[..., Any]) -> dict[str, Domain]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except (AttributeError, NameError, TypeError):  # a user's annotations that can't be evaluated
        return {}
    found = {}
    for name, hint in hints.items():
        for part in (hint, *get_args(hint)):  # `Weight | None` holds its domain one level down
            for extra in getattr(part, "__metadata__", ()):
                if isinstance(extra, Domain):
                    found[name] = extra
    return found


def supplier(name: str, available: Collection[str], main_output: str) -> str | None:
    """The name among `available` that serves a parameter called `name`, or None.

    Args:
        name: what the loss calls it.
        available: what the batch and the model supply.
        main_output: what the model's answer is called for this task, `logits` or `prediction`.
    """
    if name in available:
        return name
    canonical = main_output if name in MAIN_OUTPUT else _CANONICAL.get(name)
    return canonical if canonical in available else None


def missing_name(
    loss: str, parameter: str, wanted: str, batch: Collection[str], outputs: Collection[str]
) -> str:
    """The sentence for a tensor that nobody supplies: what is there, and how to connect it.

    Args:
        loss: the term's name.
        parameter: what the loss calls the tensor.
        wanted: the name under which it was looked for.
        batch: names that the batch supplies.
        outputs: names that the model supplies.
    """
    guess = get_close_matches(wanted, [*outputs, *batch, *FROM_THE_STEP], n=1, cutoff=0.6)
    hint = f" Did you mean {guess[0]}?" if guess else ""
    source = guess[0] if guess else "NAME"
    asks = (
        f"loss {loss} asks for '{wanted}', which nobody supplies: the batch gives {_list(batch)}, "
        f"the model gives {_list(outputs)}.{hint}"
    )
    connect = f"if one of these means the same, connect it: +loss.{loss}.names.{parameter}={source}"
    if wanted in _WRONG_KIND and {*_WRONG_KIND} & {*outputs}:
        return f"{asks} {_WRONG_KIND[wanted]}; or, {connect}"
    heads = f"let the model give it, model.heads=[{wanted}]; " if wanted in _HEADS else ""
    return f"{asks} Choose a loss or model that fits; {heads}or, {connect}"


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
