"""A run's model for use elsewhere: as a torch program, in ONNX, as a model of MLflow.

Whatever is written is read again and asked the same as the model. A file that answers otherwise is
no export: it is an error, and nothing is left of it.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..data.source import SplitName
from ..errors import UserError
from .output_folder import check_output, scratch_in
from .programs import ROWS, Subject, difference, to_onnx, to_torch
from .rebuild import rebuild

Format = Literal["torch", "onnx", "mlflow"]
FILES: dict[Format, str] = {"torch": "model.pt2", "onnx": "model.onnx", "mlflow": "mlflow"}


@dataclass(frozen=True)
class Exported:
    """What was written, and how well it answers.

    Args:
        format: torch, onnx or mlflow.
        path: the file, or the folder of an MLflow model.
        size: of it, in bytes.
        difference: the largest between its answers and the model's.
        rows: that both were asked.
        split: whose rows these are.
        logged: the model's address in the store of the run; empty if it is not there.
        note: why it is not there, though the run is.
    """

    format: Format
    path: Path
    size: int
    difference: float
    rows: int
    split: SplitName
    logged: str = ""
    note: str = ""


def export(
    config: Mapping[str, Any],
    run_dir: Path,
    formats: Sequence[Format],
    folder: Path,
    which: str = "best",
    *,
    overwrite: bool = False,
) -> list[Exported]:
    """Write a run's model in the formats asked for, each checked against the model itself.

    All are made before the first is put in its place, so a failure leaves the folder as it was.

    Args:
        config: the run's configuration.
        run_dir: its directory.
        formats: torch, onnx or mlflow, each once.
        folder: where the files go, see `FILES`.
        which: the checkpoint, `best` or `last`.
        overwrite: replace what is there.

    Raises:
        UserError: an unknown format, a folder that can't be written to, something is there already,
            a package is missing, or the model can't be exported.
    """
    unknown = [name for name in formats if name not in FILES]
    if unknown:
        raise UserError(f"--to must be {', '.join(FILES)}; got {unknown[0]}")
    check_output(folder)
    taken = [str(path) for path in (folder / FILES[name] for name in formats) if path.exists()]
    if taken and not overwrite:
        raise UserError(
            f"there is already {', '.join(taken)}: add --overwrite to replace it, or choose "
            "another folder with -o"
        )
    parts, _ = rebuild(config, run_dir, which)
    subject = Subject.of(parts)
    with scratch_in(folder) as made:
        for_run = (config, run_dir, which)
        found = [_export(name, subject, for_run, made) for name in formats]
        found = [_put(exported, folder) for exported in found]
    return [_logged(exported, run_dir, subject) for exported in found]


def _export(
    format: Format, subject: Subject, run: tuple[Mapping[str, Any], Path, str], folder: Path
) -> Exported:
    """Write one format into the folder, and compare it with the model."""
    path = folder / FILES[format]
    if format == "mlflow":
        from .predict import Predictor
        from .to_mlflow import save

        predictor = Predictor.of(*run)
        weights = folder / "weights.pt2"
        to_torch(subject, weights)
        about = f"run {run[1].name}, {run[2]} checkpoint"
        apart = save(predictor, weights, subject.rows[0][-ROWS:], path, about)
    else:
        write = to_torch if format == "torch" else to_onnx
        apart = difference(subject, write(subject, path), path.name)
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    size = sum(file.stat().st_size for file in files)
    return Exported(format, path, size, apart, ROWS, subject.split)


def _put(exported: Exported, folder: Path) -> Exported:
    """Move what was made to where it belongs, with a second file of its name if it has one."""
    for made in sorted(exported.path.parent.glob(f"{exported.path.name}*")):
        target = folder / made.name
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        elif made.is_dir():  # which replaces no file
            target.unlink(missing_ok=True)
        made.replace(target)
    return replace(exported, path=folder / exported.path.name)


def _logged(exported: Exported, run_dir: Path, subject: Subject) -> Exported:
    """An MLflow model is also one of the run's, in its store."""
    if exported.format != "mlflow":
        return exported
    from .to_mlflow import log

    try:
        return replace(exported, logged=log(exported.path, run_dir, subject.name))
    except UserError as error:
        return replace(exported, note=str(error))
