"""Checkpoints: written whole or not at all, and read without running code from the file."""

import copy
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from ..errors import UserError


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write `state` to `path` atomically: after a crash the file is the old one or the new one.

    Raises:
        UserError: the file can't be written; what was there before is untouched.
    """
    temporary = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(exist_ok=True)
        with temporary.open("wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        kept = f"the last good one is {path}" if path.exists() else "there is no earlier one"
        raise UserError(
            f"the checkpoint {path} could not be written: {_cause(error)}; {kept}. "
            "Free some space, then continue with losslab train --resume"
        ) from error


def _cause(error: BaseException) -> str:
    """What the operating system said; torch wraps it when it fails in mid-file."""
    while not isinstance(error, OSError) and error.__context__ is not None:
        error = error.__context__
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint to the CPU.

    Raises:
        UserError: there is none, or it can't be read.
    """
    if not path.exists():
        raise UserError(f"there is no checkpoint {path}: the run stopped before its first one")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its readers raise on a broken file
        raise UserError(
            f"the checkpoint {path} can't be read ({type(error).__name__}): it is damaged or no "
            "checkpoint. Try the other one in its folder"
        ) from error
    if not isinstance(state, dict) or "model" not in state:
        raise UserError(f"{path} holds no losslab checkpoint")
    return state


def check_fits(model: torch.nn.Module, state: Mapping[str, Any], path: Path) -> None:
    """See that a checkpoint's weights are of this very model.

    Raises:
        UserError: they are not; the text names the tensors that differ.
    """
    here = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    there = {name: tuple(tensor.shape) for name, tensor in state["model"].items()}
    differ = [name for name in here.keys() | there.keys() if here.get(name) != there.get(name)]
    if differ:
        name = min(differ)
        raise UserError(
            f"the checkpoint {path} is of another model: {len(differ)} of {len(here)} tensors "
            f"differ, e.g. {name} is {there.get(name, 'absent')} there and "
            f"{here.get(name, 'absent')} here. Use the run's own model settings"
        )


class Saver:
    """Writes checkpoints as they come, as long as that takes at most a twentieth of the time.

    One that comes too soon is kept in memory, and written with the next or at the end.

    Args:
        write: writes a state under a name.
    """

    _SHARE = 0.05

    def __init__(self, write: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._write = write
        self._waiting: dict[str, Mapping[str, Any]] = {}
        self._next = 0.0

    def save(self, name: str, state: Mapping[str, Any], now: bool = False) -> None:
        """Write `state` now, or when it is time."""
        due = now or perf_counter() >= self._next
        self._waiting[name] = state if due else copy.deepcopy(state)
        if due:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        begin = perf_counter()
        while self._waiting:
            name = next(iter(self._waiting))  # the best before the last, which refers to it
            self._write(name, self._waiting.pop(name))
        end = perf_counter()
        self._next = end + (end - begin) / self._SHARE
