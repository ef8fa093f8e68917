"""A run as it was, from its configuration and a checkpoint, for whoever looks at it afterwards."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import UserError
from ..training import checkpoint
from ..training.config import TrackingConfig, TrainerConfig
from ..training.distributed import World, pick_device
from ..training.loop import Loop
from ..training.record import NoRecord
from ..training.report import Report
from ..training.run import Parts, build_loop, prepare, typed
from ..training.step import EagerStep


def restore(config: Mapping[str, Any], run_dir: Path, which: str = "best") -> tuple[Parts, Loop]:
    """The run as it was at a checkpoint, and the loop that evaluates it.

    Args:
        config: the run's configuration.
        run_dir: its directory.
        which: the checkpoint, `best` or `last`; a run without validation knows no best.

    Raises:
        UserError: no such checkpoint, or one of another model.
    """
    _check(which)
    parts, trainer = _prepared(config)
    load_weights(parts.step.model, run_dir, which)
    record = NoRecord(run_dir, TrackingConfig(enabled=False))
    return parts, build_loop(config, parts, trainer, TrackingConfig(), record, Report(), World())


def load_weights(model: nn.Module, run_dir: Path, which: str = "best") -> None:
    """Give a model the weights of a run's checkpoint.

    Args:
        model: as the run's configuration builds it.
        run_dir: the run's directory.
        which: the checkpoint, `best` or `last`; a run without validation knows no best.

    Raises:
        UserError: no such checkpoint, or one of another model.
    """
    _check(which)
    record = NoRecord(run_dir, TrackingConfig(enabled=False))
    path = record.checkpoint(which)
    if which == "best" and not path.exists() and record.checkpoint("last").exists():
        path = record.checkpoint("last")
    state = checkpoint.load(path)
    checkpoint.check_fits(model, state, path)
    model.load_state_dict(state["model"])


def rebuild(
    config: Mapping[str, Any], run_dir: Path | None, which: str = "best"
) -> tuple[Parts, float]:
    """The run at a checkpoint, and the time in epochs; without a directory, before its first step.

    Raises:
        UserError: whatever keeps the run from being rebuilt.
    """
    _check(which)
    if run_dir is None:
        return _prepared(config)[0], 0.0
    parts, loop = restore(config, run_dir, which)
    return parts, loop.end


def in_use(step: EagerStep, main_output: str, *, double: bool = False) -> EagerStep:
    """A copy of the step that only answers: in evaluation mode, in full precision, on its own.

    Args:
        step: of the run; nothing that is done to the copy reaches it.
        main_output: what a lone output tensor is called.
        double: compute in double precision.
    """
    model, objective = deepcopy(step.model).eval(), deepcopy(step.objective)
    if double:
        model, objective = model.double(), objective.double()
    for parameter in model.parameters():
        parameter.grad = None
    idle = torch.optim.SGD(model.parameters())
    return EagerStep(model, objective, idle, inputs=step.inputs, main_output=main_output, lr=0.0)


def _check(which: str) -> None:
    if which not in ("best", "last"):
        raise UserError(f"--checkpoint must be best or last; got {which}")


def _prepared(config: Mapping[str, Any]) -> tuple[Parts, TrainerConfig]:
    trainer = typed(TrainerConfig, config["trainer"])
    here = World()
    return prepare(config, trainer, pick_device(trainer.device, here), here, Report()), trainer
