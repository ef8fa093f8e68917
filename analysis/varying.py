"""In what the configurations of several runs differ, and how to name it.

Seeds are replicates: they never make a group.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..errors import UserError

Config = Mapping[str, Any]

SPLIT_SEED = "data.split_seed"
REPLICATES = ("seed", SPLIT_SEED)
_NO_PART_OF_IT = ("name", "tracking", "compare", "trainer.checkpoint_every")
_NOTHING = "–"  # the label of what a run does not have


class _Missing:
    """A key that a configuration does not hold."""


MISSING = _Missing()


def varying(configs: Sequence[Config]) -> list[str]:
    """The keys in which the configurations differ, seeds left out.

    Where whole parts differ, such as two models, the part is the key, and what is inside is
    compared only among the runs that have the same part.

    >>> varying([{"seed": 1, "optimizer": {"lr": 0.1}}, {"seed": 2, "optimizer": {"lr": 0.2}}])
    ['optimizer.lr']
    """
    return list(dict.fromkeys(_varying("", configs)))


def _varying(path: str, nodes: Sequence[Any]) -> Iterable[str]:
    if path in (*REPLICATES, *_NO_PART_OF_IT):
        return
    if not any(isinstance(node, Mapping) for node in nodes):
        if len({identity(node) for node in nodes}) > 1:
            yield path
        return
    kinds: dict[str, list[Any]] = {}
    for node in nodes:
        kinds.setdefault(_kind(path, node), []).append(node)
    if len(kinds) > 1:
        yield path
    for alike in kinds.values():
        parts = [node for node in alike if isinstance(node, Mapping)]
        for key in dict.fromkeys(str(key) for node in parts for key in node):
            inside = f"{path}.{key}" if path else key
            yield from _varying(inside, [value_at(node, key) for node in parts])


def _kind(path: str, node: Any) -> str:
    """What makes a part comparable with another: its `_target_`; of losses, their names."""
    if not isinstance(node, Mapping):
        return identity(node)
    return "+".join(node) if path == "loss" else str(node.get("_target_", "a part"))


def identity(node: Any) -> str:
    """Equal for equal values, however they were written: 1 and 1.0, a list and a tuple."""
    return json.dumps(_canonical(node), sort_keys=True, default=str)


def _canonical(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(key): _canonical(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_canonical(value) for value in node]
    if isinstance(node, int) and not isinstance(node, bool):
        return float(node)
    return "a missing key" if node is MISSING else node


def same_run(config: Config) -> str:
    """Equal for runs that must come to the same values: all of the configuration that matters."""
    rest = {key: value for key, value in config.items() if key not in _NO_PART_OF_IT}
    trainer = {k: v for k, v in rest.get("trainer", {}).items() if k != "checkpoint_every"}
    return identity({**rest, "trainer": trainer})


def value_at(node: Any, key: str) -> Any:
    """What stands at a dotted key; MISSING if nothing does."""
    for part in key.split("."):
        if not isinstance(node, Mapping):
            return MISSING
        node = next((value for name, value in node.items() if str(name) == part), MISSING)
    return node


def replicates(configs: Sequence[Config]) -> list[str]:
    """The seeds in which the configurations differ.

    >>> replicates([{"seed": 1}, {"seed": 2}])
    ['seed']
    """
    return [
        key
        for key in REPLICATES
        if len({identity(value_at(config, key)) for config in configs}) > 1
    ]


def labels(key: str, configs: Sequence[Config]) -> list[str]:
    """How each configuration's value at `key` is called: short, and different where they differ.

    >>> labels("model", [{"model": {"_target_": "losslab.models.MLP"}}, {}])
    ['MLP', '–']
    """
    nodes = [value_at(config, key) for config in configs]
    if any(isinstance(node, Mapping) for node in nodes):  # a whole part, as `balance=none`
        nodes = ["none" if node is None else node for node in nodes]
    exact = [
        _kind(key, node) if isinstance(node, Mapping) else _written(node, "") for node in nodes
    ]
    short = [_short(key, node) for node in nodes]
    return short if len(set(short)) == len(set(exact)) else exact


def _short(key: str, node: Any) -> str:
    if isinstance(node, Mapping):
        return _kind(key, node).rpartition(".")[2]
    return _written(node, ".6g")


def _written(node: Any, digits: str) -> str:
    if node is MISSING:
        return _NOTHING
    if isinstance(node, bool) or node is None:
        return {True: "true", False: "false", None: "null"}[node]
    if isinstance(node, (int, float)):
        return format(node, digits) if digits else repr(float(node))
    if isinstance(node, (list, tuple)):
        return f"[{', '.join(_written(value, digits) for value in node)}]"
    return str(node)


def short_keys(keys: Sequence[str]) -> list[str]:
    """The keys without their group, where that leaves them different.

    >>> short_keys(["optimizer.lr", "loss.kl.weight", "seed"])
    ['lr', 'kl.weight', 'seed']
    """
    cut = [key.partition(".")[2] or key for key in keys]
    return [s if cut.count(s) == 1 else key for s, key in zip(cut, keys, strict=True)]


def matches(asked: str, label: str) -> bool:
    """Whether what a person typed means this label: `1e-3` is 0.001, `conv_regressor` the class.

    >>> matches("1e-3", "0.001"), matches("conv_regressor", "ConvRegressor")
    (True, True)
    """
    try:
        return float(asked) == float(label)
    except ValueError:
        return _folded(asked) == _folded(label)


def _folded(text: str) -> str:
    return text.lower().replace("_", "").replace(" ", "")


def find_key(asked: str, configs: Sequence[Config], flag: str) -> str:
    """The key of the configurations that was asked for, in full: `lr` is optimizer.lr.

    Args:
        asked: a dotted key, or its end.
        configs: where to look.
        flag: what asks, for the error.

    Raises:
        UserError: no key, or several, end so.
    """
    keys = list(dict.fromkeys(key for config in configs for key in _all_keys(config)))
    if asked in keys:
        return asked
    ends = [key for key in keys if key.endswith(f".{asked}")]
    if len(ends) > 1:
        changing = varying(configs)
        ends = [key for key in ends if key in changing] or ends
    if len(ends) == 1:
        return ends[0]
    flag = f"{flag} {asked}".strip()
    if ends:
        raise UserError(f"{flag} may be any of {', '.join(ends)}: give more of the key")
    near = get_close_matches(asked, [*keys, *(key.rpartition(".")[2] for key in keys)], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    there = ", ".join(varying(configs)) or "nothing but seeds"
    raise UserError(f"{flag}: no run has that key.{hint} The runs differ in {there}")


def _all_keys(node: Config, prefix: str = "") -> Iterable[str]:
    for name, value in node.items():
        yield f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _all_keys(value, f"{prefix}{name}.")
