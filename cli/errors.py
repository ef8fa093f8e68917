"""Errors as people can use them: what was wrong, the nearest right name, what to do."""

import errno
import re
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

from ..errors import UserError

USER_ERROR, OUR_ERROR = 2, 1
_NO_WRITING = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC)
_NON_FINITE_REMEDY = (
    "The last finite checkpoint is kept. Try a lower optimizer.lr, trainer.clip_norm=1, or look "
    "for log, division or exp in the loss"
)

_EXTRAS = {  # of losslab, by the launchers that they bring
    "joblib": "joblib",
    "ray": "ray",
    "ray_aws": "ray",
    "submitit_local": "slurm",
    "submitit_slurm": "slurm",
}
_MANY = 30  # choices that no message lists


def explain_hydra(error: Exception, overrides: Sequence[str]) -> str | None:
    """A sentence for an error of Hydra or OmegaConf; None if it is neither's."""
    from hydra.errors import HydraException, MissingConfigException, OverrideParseException
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    if isinstance(error, ValueError) and str(error).startswith("Config group override must be"):
        empty = [word for word in overrides if word.partition("=")[2] in ("null", "None")]
        return f"{', '.join(empty) or 'null'}: null is no choice of a group; leave it out"
    if isinstance(error, OverrideParseException):
        return (
            f"can't read the override {error.override!r}: expected KEY=VALUE. "
            "Quote it for the shell if it holds brackets, braces or spaces"
        )
    if isinstance(error, MissingConfigException):
        return _missing_choice(error)
    if isinstance(error, MissingMandatoryValue):
        key = str(error.full_key or error).strip()
        return f"{key} must be set: add {key}=…"
    if not isinstance(error, (HydraException, OmegaConfBaseException)):
        return None
    cause = error.__cause__
    text = str(error)
    key = _quoted(text) or ""
    if "No match in the defaults list" in text:
        return _unknown(key.split("@")[0], "group", _groups())
    if text.startswith("Could not override") or "not in struct" in str(cause):
        return _unknown_key(key, overrides)
    match = re.search(r"merging override (\S+)", text)
    if match and cause is not None:
        reason = str(cause).split("\n")[0]
        return f"{match.group(1)}: {reason}"
    reason = f": {str(cause).splitlines()[0]}" if cause is not None else ""
    return " ".join(text.split()) + reason


def _quoted(text: str) -> str | None:
    match = re.search(r"'([^']+)'", text)
    return match.group(1) if match else None


def _missing_choice(error: Any) -> str:
    from .listing import choices

    match = re.search(r"Could not (?:find|load) '(hydra/\w+|[^'/]+)/([^']*)'", str(error))
    if match is None:
        return " ".join(str(error).split())
    group, choice = match.groups()
    if group == "hydra/launcher" and choice in _EXTRAS:
        return f"{group}={choice} needs a package: pip install 'losslab[{_EXTRAS[choice]}]'"
    return _unknown(choice, group, error.options or choices(group))


def _unknown(name: str, kind: str, options: Sequence[str]) -> str:
    near = get_close_matches(name, options, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    if len(options) > _MANY:
        return f"unknown {kind} '{name}'.{hint} `losslab list {kind}` shows the {len(options)}"
    return f"unknown {kind} '{name}'.{hint} There are: {', '.join(sorted(options))}"


def _groups() -> list[str]:
    from .listing import groups

    return groups()


def _unknown_key(key: str, overrides: Sequence[str]) -> str:
    """Find the deepest part of the key that exists, and what it holds."""
    from omegaconf import DictConfig, OmegaConf

    from .compose import compose_config

    key = key.lstrip("+~")
    chosen = [o for o in overrides if o.split("=")[0].lstrip("+").split("@")[0] in _groups()]
    node: Any = compose_config(chosen)
    parent = ""
    for part in key.split("."):
        inside = OmegaConf.select(node, part) if isinstance(node, DictConfig) else None
        if not isinstance(node, DictConfig) or part not in node:
            break
        node, parent = inside, f"{parent}{part}."
    if not isinstance(node, DictConfig):
        return f"unknown key {key}: {parent.rstrip('.')} is a value and holds no keys"
    wrong = key.removeprefix(parent).split(".")[0]
    names = [str(name) for name in node if name not in ("hydra", "_target_")]
    near = get_close_matches(wrong, names, n=1, cutoff=0.5)
    hint = f" Did you mean {parent}{near[0]}?" if near else ""
    where = f"{parent.rstrip('.')} has" if parent else "there are"
    return f"unknown key {key}.{hint} Here {where}: {', '.join(names) or 'no keys'}"


def guarded(call: Callable[[], int | None], overrides: Sequence[str] = ()) -> int:
    """Run a command; its exit code. What the user can put right is printed without a traceback."""
    from .console import error_line, verbosity

    try:
        return call() or 0
    except UserError as error:
        error_line(str(error))
        return USER_ERROR
    except KeyboardInterrupt:
        error_line("interrupted")
        return 130
    except Exception as error:
        if _is(error, "signals", "Stopped"):
            error_line(str(error), "[yellow]Note:[/]")
            return 128 + int(error.signal_number)  # type: ignore[attr-defined]  # as asked above
        if _is(error, "progress", "NonFiniteLoss"):
            error_line(f"{error}. {_NON_FINITE_REMEDY}")
            return OUR_ERROR
        if isinstance(error, OSError) and error.errno in _NO_WRITING:
            error_line(
                f"can't write {error.filename or 'here'}: {error.strerror}. "
                "Start from a folder that can be written to, or free some space"
            )
            return USER_ERROR
        text = explain_hydra(error, overrides) if "hydra" in sys.modules else None
        if text is None or verbosity() > 1:
            raise
        error_line(text)
        return USER_ERROR


def _is(error: Exception, module: str, name: str) -> bool:
    """Whether the error is of that class; without importing torch to find out."""
    loaded = sys.modules.get(f"losslab.training.{module}")
    return loaded is not None and isinstance(error, getattr(loaded, name))
