"""Steps down a visible function: with the gradient, with its sign, and without either."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch.optim import SGD

from ..analysis.trace import Trace, trace
from ..training.answer import Answer, Finding, Trained


class ConstantStep(SGD):
    """W − lr: the gradient is not looked at."""

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Take lr from every weight."""
        return _step_along(self, torch.ones_like, closure)


class SignStep(SGD):
    """W − lr · sign(gradient): which way is down, but not how far."""

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Take lr from every weight, or add it, whichever goes down."""
        return _step_along(self, torch.sign, closure)


def _step_along(
    optimizer: SGD,
    direction: Callable[[torch.Tensor], torch.Tensor],
    closure: Callable[[], float] | None,
) -> Any:
    """A step of SGD with another direction in the gradient's place."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                parameter.grad = direction(parameter.grad)
    return SGD.step(optimizer, closure)


def answer(trained: Trained) -> Answer:
    """Where the steps lead on the same function, from the same start, at the same lr."""
    steps = trained.config["trace"]["steps"]
    traces = {
        "gradient": trace(trained.config, steps),
        "constant": trace(_stepping(trained, ConstantStep), steps),
        "sign": trace(_stepping(trained, SignStep), steps),
    }
    findings = []
    for name, traced in traces.items():
        rises, last = _rises(traced), traced.points[-1].loss
        wanted, holds = ("0", rises == 0) if name == "gradient" else ("more than 0", rises > 0)
        says = f"{traced.rule}: steps of {steps} in which the loss rises"
        findings.append(Finding(f"{name}_rises", says, float(rises), wanted, holds))
        findings.append(Finding(f"{name}_loss", f"{traced.rule}: loss at the end", last))
    return Answer(
        tuple(findings),
        (_drawn(trained, traces),),
        "The sign of the gradient says which way is down, its size how far it still is.",
    )


def _stepping(trained: Trained, optimizer: type) -> dict[str, Any]:
    node = {**trained.config["optimizer"], "_target_": f"{__name__}.{optimizer.__name__}"}
    return {**trained.config, "optimizer": node}


def _rises(traced: Trace) -> int:
    losses = [point.loss for point in traced.points]
    return sum(after > before for before, after in pairwise(losses))


def _drawn(trained: Trained, traces: dict[str, Trace]) -> Any:
    from ..analysis.trace.picture import Path, draw

    path = trained.plot_path("descent")
    draw([Path(name, traced, trained.config) for name, traced in traces.items()]).savefig(path)
    return path
