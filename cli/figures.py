"""Writing a picture where it was asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_folder(path: Path) -> None:
    """See before the work that a file can be written there.

    Raises:
        UserError: its folder does not exist.
    """
    if not path.parent.is_dir():
        raise UserError(f"no such folder: {path.parent}")


def save_figure(figure: "Figure", path: Path, dpi: int) -> Path:
    """Write the figure, and say where.

    Raises:
        UserError: no such folder or kind of file.
    """
    check_folder(path)
    kinds = figure.canvas.get_supported_filetypes()
    if path.suffix[1:] not in kinds:
        raise UserError(f"can't write {path}: its suffix must be one of {', '.join(sorted(kinds))}")
    figure.savefig(path, dpi=dpi)
    return path
