"""The folder that a command's files go to: made if it is not there, and filled all at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import UserError


def check_output(folder: Path) -> None:
    """See before the work that files can be written there.

    Args:
        folder: need not be there yet, nor the folders above it.

    Raises:
        UserError: a file is in the way, or there is no permission to write.
    """
    there = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    if not there.is_dir():
        what = "is" if there == folder else f"is in {there}, which is"
        raise UserError(f"-o {folder} {what} a file: expected a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"-o {folder} can't be written to: no permission to write in {there}")


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """An empty folder inside the one that files go to, which is made if it is not there.

    It is deleted in the end with what was not moved out of it; where nothing was, the folders that
    were made for it are deleted too.

    Args:
        folder: that the files go to.

    Raises:
        UserError: the folder can't be made or written to.
    """
    check_output(folder)
    new = [path for path in (folder, *folder.parents) if not os.access(path, os.F_OK)]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            scratch = TemporaryDirectory(prefix=".losslab-", dir=folder)
        except OSError as error:
            raise UserError(f"-o {folder} can't be written to: {error.strerror}") from error
        with scratch as made:
            yield Path(made)
    finally:
        for path in new:
            with suppress(OSError):  # not empty: there are files, ours or somebody else's
                path.rmdir()
