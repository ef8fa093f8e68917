"""What a run must name to be repeated: the code's commit, the versions it ran on, the command."""

import platform
import shlex
import subprocess
import sys
from contextlib import suppress

import torch

from .. import __version__


def versions() -> dict[str, str]:
    """What a run must name to be repeated: the code's commit and the versions it ran on."""
    with suppress(OSError, subprocess.SubprocessError):
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=2,
            check=True,
        ).stdout.strip()
        clean = commit.removesuffix("-dirty")
        git = {"git.commit": clean, "git.dirty": str(commit != clean).lower()}
        return {**git, **_installed()}
    return _installed()


def _installed() -> dict[str, str]:
    return {
        "version.losslab": __version__,
        "version.torch": torch.__version__,
        "version.python": platform.python_version(),
        "command": shlex.join(sys.argv),
    }
