"""The parts of a run, built from its configuration: data, model, objective, optimizer."""

import inspect
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..data.source import Source
from ..data.spec import Spec
from ..errors import UserError
from ..losses.names import read_signature
from ..losses.objective import Objective
from ..losses.schedules import Schedule
from ..losses.term import Term
from .build import build_options, check_options, instantiate, locate, parameters_of
from .initial_weights import start_from
from .optimizer import spare_the_compiler

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .balance import Balance

Config = Mapping[str, Any]

_TERM_OPTIONS = frozenset(parameters_of(Term)) - {"name", "function", "options", "signature"}
_MAY_BE_THE_LOSSES = (
    "class_weight",
    "ignore_index",
)  # where a loss has one of its own, it is meant


def build_source(config: Config) -> Source:
    """The data source of a run."""
    source: Source = instantiate(config["data"], "data")
    return source


def build_model(config: Config, spec: Spec) -> "nn.Module":
    """The model, with the sizes it asks for by name taken from the data's spec."""
    from torch import nn

    model = instantiate(config["model"], "model", supplied=spec.sizes)
    if not isinstance(model, nn.Module):
        raise UserError(f"model._target_={config['model']['_target_']} is not a torch.nn.Module")
    if config.get("initial_weights"):
        start_from(model, config["initial_weights"])
    return model


def build_objective(config: Config) -> Objective:
    """The objective of all terms under `loss`."""
    nodes = config["loss"] or {}
    if not nodes:
        raise UserError("an objective needs at least one term: choose a loss, e.g. loss=dice")
    return Objective([_build_term(name, node) for name, node in nodes.items()])


def _build_term(name: str, node: Any) -> Term:
    where = f"loss.{name}"
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise UserError(f"{where} is no loss: expected a node with _target_; got {node!r}")
    target = locate(node["_target_"])
    if not callable(target):
        raise UserError(f"{where}: {node['_target_']} is not a function")
    own = parameters_of(target)
    options = build_options(node, where)
    # `weight` is always the term's; the others are, unless the loss has an option of that name.
    for_term = {
        key: options.pop(key)
        for key in list(options)
        if key in _TERM_OPTIONS and not (key in own and key in _MAY_BE_THE_LOSSES)
    }
    if "reduction" in own and _is_foreign(target):
        options.setdefault("reduction", "none")  # a term wants the values
    if inspect.isclass(target):
        function, options = instantiate(options, where, target=target), {}
        signature = read_signature(getattr(function, "forward", function))
    else:
        function, signature = target, read_signature(target)
        check_options(target, options, where, given=(*signature.tensors, *signature.optional))
    check_options(Term, for_term, where, given=("name", "function", "options", "signature"))
    try:
        return Term(name, function, options=options, signature=signature, **for_term)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error


def _is_foreign(target: Any) -> bool:
    """Whether it comes from an installed package, not from us or from the user's own files."""
    if (target.__module__ or "").startswith("losslab."):
        return False
    module = sys.modules.get(target.__module__ or "")
    return "site-packages" in (getattr(module, "__file__", None) or "site-packages")


def build_balance(
    config: Config, objective: Objective, model: "nn.Module", device: "torch.device"
) -> "Balance | None":
    """What balances the terms of the objective, which is bound; None where nothing does."""
    node = config.get("balance")
    if node is None:
        return None
    from .balance import Balance
    from .balance.balance import balanced_terms

    if not isinstance(node, Mapping) or "_target_" not in node:
        raise UserError(f"balance is no balance: expected a node with _target_; got {node!r}")
    supplied = {"terms": balanced_terms(objective), "model": model}
    balance = instantiate(node, "balance", supplied=supplied)
    if not isinstance(balance, Balance):
        raise UserError(f"balance._target_={node['_target_']} is not a losslab Balance")
    return balance.to(device)


def build_optimizer(
    config: Config, parameters: "list[nn.Parameter]", device: "torch.device"
) -> "tuple[torch.optim.Optimizer, float | Schedule]":
    """The optimizer, in its fused form where there is one, and its learning rate or schedule."""
    node = dict(config["optimizer"])
    target = locate(node["_target_"])
    lr = build_options({"lr": node.get("lr", 1e-3)}, "optimizer")["lr"]
    if not callable(lr) and (isinstance(lr, bool) or not isinstance(lr, (int, float))):
        raise UserError(f"optimizer.lr must be a number or a schedule; got {lr!r}")
    node["lr"] = lr(0.0) if callable(lr) else lr
    if "fused" in parameters_of(target) and "fused" not in node and device.type in ("cpu", "cuda"):
        node["fused"] = True
    spare_the_compiler()
    optimizer = instantiate(node, "optimizer", supplied={"params": parameters}, target=target)
    return optimizer, lr
