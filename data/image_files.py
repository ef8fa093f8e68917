"""Which image files there are, and which belong together."""

from collections.abc import Collection, Mapping
from pathlib import Path

from .decode import TYPES
from .messages import did_you_mean, listed


def find_folder(path: Path, name: str, role: str) -> Path:
    """The folder `name` in `path`.

    Args:
        path: the folder of the data set.
        name: the folder in it.
        role: what the folder holds, for the error.

    Raises:
        ValueError: there is none.
    """
    if not path.is_dir():
        near = path.absolute().parent
        names = [entry.name for entry in near.iterdir() if entry.is_dir()] if near.is_dir() else []
        raise ValueError(
            f"there is no folder {path}: expected one with the {role} in {name}/."
            f"{did_you_mean(path.name, names)}"
        )
    folder = path / name
    if not folder.is_dir():
        names = [entry.name for entry in path.iterdir() if entry.is_dir()]
        raise ValueError(
            f"{path} has no folder {name} with the {role}.{did_you_mean(name, names)} "
            f"It has the folders {listed(sorted(names)) or '(none)'}"
        )
    return folder


def list_images(folder: Path) -> dict[str, Path]:
    """The image files of a folder by their names without extension, sorted.

    Raises:
        ValueError: no file, files of other types, two files that differ in the extension alone.
    """
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    if not entries:
        raise ValueError(f"the folder {folder} is empty: expected {', '.join(TYPES)} files")
    others = [path.name for path in entries if path.suffix.lower() not in TYPES or path.is_dir()]
    if others:
        raise ValueError(
            f"{folder} holds {len(others):,} entries that are not images: {listed(others)}. "
            f"Move them away, or turn them into {', '.join(TYPES)} files"
        )
    found: dict[str, Path] = {}
    twins = [path.name for path in entries if found.setdefault(path.stem, path) != path]
    if twins:
        raise ValueError(
            f"{folder} holds {len(twins):,} files that share a name but for the extension: "
            f"{listed(twins)}. Keep one of each"
        )
    return found


def check_pairs(
    images: Mapping[str, Path], partners: Collection[str], partner: str, where: str | Path
) -> None:
    """Whether each image has its partner, and the other way round.

    Args:
        images: the images by name.
        partners: the names that their partners have.
        partner: what a partner is called, for the error.
        where: where the partners are.

    Raises:
        ValueError: one without the other.
    """
    problems = []
    lonely = [path.name for name, path in images.items() if name not in partners]
    if lonely:
        problems.append(f"{len(lonely):,} images have no {partner} in {where}: {listed(lonely)}")
    orphans = [name for name in partners if name not in images]
    if orphans:
        problems.append(f"{len(orphans):,} times a {partner} without an image: {listed(orphans)}")
    if problems:
        raise ValueError(
            ". ".join(problems)
            + f". An image and its {partner} share a name, but for the extension"
        )
