"""Which runs can be trained as one program: those whose configurations differ in numbers only."""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import UserError
from .build import fits_type, hints_of, locate

NUMBER = "a number"
_OPTIMIZER_NUMBERS = ("lr", "weight_decay", "momentum", "betas")


def without_numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with a mark in place of every number in which stacked runs may differ.

    Whole numbers that a loss asks for as such (rounds of a loop, say) are part of its program, and
    so is what a class is made with, as `torch.nn.HuberLoss`.

    >>> without_numbers({"seed": 1, "loss": {"bce": {"weight": 0.5, "reduce": "mean"}}})
    {'seed': 'a number', 'loss': {'bce': {'weight': 'a number', 'reduce': 'mean'}}}
    """
    marked = dict(config)
    if "seed" in marked:
        marked["seed"] = NUMBER
    marked["loss"] = {name: _term(node) for name, node in (config.get("loss") or {}).items()}
    for group, names in (("optimizer", _OPTIMIZER_NUMBERS), ("data", ("split_seed",))):
        if config.get(group):
            marked[group] = {
                key: _marked(key, value) if key in names else value
                for key, value in config[group].items()
            }
    return marked


def _term(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    fixed = _part_of_the_program(node)
    return {key: value if key in fixed else _marked(key, value) for key, value in node.items()}


def _part_of_the_program(node: Mapping[str, Any]) -> Collection[str]:
    """The term's keys whose values, if they are numbers, can't be tensors."""
    always = {"names", "ignore_index"}
    try:
        function = locate(node.get("_target_", ""))
    except UserError:  # which every one of the runs will say
        return always
    if inspect.isclass(function):
        return set(node) - {"weight", "class_weight"}
    whole = {n for n, hint in hints_of(function).items() if not fits_type(0.5, hint)}
    return always | whole


def _marked(key: str, value: Any) -> Any:
    if key in ("weight", "lr"):  # a number at each time, whichever schedule gives it
        return NUMBER
    if isinstance(value, Mapping):
        return {name: _marked("", item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_marked("", item) for item in value]
    return NUMBER if isinstance(value, (int, float)) and not isinstance(value, bool) else value
