"""What a command is about: a run with changes of it, or what would be trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError

_MARKS = ("~", "+")  # before an override that adds or deletes


def config_of(words: Sequence[str], command: str) -> tuple[dict[str, Any], Path | None]:
    """The configuration that the words name, and the run's directory if it is a run.

    Args:
        words: a run and changes of its configuration, or what would be trained.
        command: that was typed, for the error.

    Raises:
        UserError: no words, or a mistake in them.
    """
    if not words or not words[0]:
        raise UserError(f"{command} of what? losslab {command} last, or loss=… model=… data=…")
    if "=" in words[0] or words[0].startswith(_MARKS):
        from .compose import composed

        return composed(words), None
    from ..training.runs import find_run, read_config
    from .changes import apply_changes

    run_dir = find_run(words[0])
    return apply_changes(read_config(run_dir), words[1:]), run_dir
