"""Answers to files of new data, in files: tables with the answers beside their columns, and masks.

Everything is written beside its place first, and put there when all of it is done.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..data.messages import counted, listed
from ..data.table import read_frame
from ..errors import UserError
from .output_folder import check_output, scratch_in
from .predict import Predictor
from .predicted_images import SUMMARY, answer_images, answer_masks, kinds_of

if TYPE_CHECKING:
    import pandas as pd

_TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
_PACKED = (".gz", ".bz2", ".zip", ".xz", ".zst")


@dataclass(frozen=True)
class Written:
    """What became of an input.

    Args:
        files: that its answers are in.
        text: what they hold.
        note: what a reader should know of it; empty if there is nothing.
    """

    files: tuple[Path, ...]
    text: str
    note: str = ""


class _Answer(Protocol):
    def __call__(self, folder: Path) -> tuple[str, str]:
        """Write the files into `folder`; what they hold, and a note."""
        ...


@dataclass(frozen=True)
class _Task:
    """Names of the files that are to be written, what writes them, and what it reads."""

    names: tuple[str, ...]
    answer: _Answer
    reads: Sequence[Path]


def predict_files(
    predictor: Predictor,
    inputs: Sequence[Path],
    output: Path,
    *,
    probability: bool = False,
    overwrite: bool = False,
    separator: str | None = None,
) -> list[Written]:
    """Answer files of new data with files.

    A table becomes one of its name, with the answers behind its own columns. Images become masks,
    or, where an image has one answer, the rows of `predictions.csv`.

    Args:
        predictor: the trained run.
        inputs: tables, images, and folders of images.
        output: the folder that is written to, made if it is not there.
        probability: write an array of probabilities beside each mask.
        overwrite: replace files that are there.
        separator: between the values of CSV files; None is the run's own.

    Raises:
        UserError: an input that can't be answered, a folder that can't be written to, or a file
            that would be replaced; then nothing is written.
    """
    tasks = _tasks(predictor, inputs, probability, separator)
    reads = [path for task in tasks for path in task.reads]
    _check_names([name for task in tasks for name in task.names], reads, output, overwrite)
    with scratch_in(output) as folder:
        told = [task.answer(folder) for task in tasks]
        for file in folder.iterdir():
            file.replace(output / file.name)
    return [
        Written(tuple(output / name for name in task.names), *texts)
        for task, texts in zip(tasks, told, strict=True)
    ]


def _tasks(
    predictor: Predictor, inputs: Sequence[Path], probability: bool, separator: str | None
) -> list[_Task]:
    tasks = []
    single: list[Path] = []
    for path in inputs:
        if _is_table(path):
            if predictor.table is None:
                raise UserError(f"{path} is a table; this run wants {predictor.wants}")
            name = _unpacked(path)
            answer = partial(_answer_table, predictor, path, separator, name)
            tasks.append(_Task((name,), answer, [path]))
            continue
        files = _images(predictor, path)
        if predictor.spec.dense:
            kinds = kinds_of(predictor, probability)
            names = tuple(file.stem + kind for file in files for kind in kinds)
            tasks.append(_Task(names, partial(answer_masks, predictor, files, kinds), files))
        else:
            single += files
    if single:
        twins = [name for name, n in Counter(file.name for file in single).items() if n > 1]
        if twins:
            raise UserError(
                f"several inputs are called {listed(twins)}: {SUMMARY} tells them by their names. "
                "Answer them one by one, with a folder for each (-o)"
            )
        tasks.append(_Task((SUMMARY,), partial(answer_images, predictor, single), single))
    return tasks


def _is_table(path: Path) -> bool:
    return Path(_unpacked(path)).suffix.lower() in _TABLES and not path.is_dir()


def _unpacked(path: Path) -> str:
    """Its name, without the suffix of a compressed file."""
    return path.stem if path.suffix.lower() in _PACKED else path.name


def _images(predictor: Predictor, path: Path) -> list[Path]:
    """The images that an input stands for."""
    if predictor.images is None:
        what = "a folder" if path.is_dir() else "no table" if path.exists() else "not there"
        raise UserError(f"{path} is {what}; this run wants {predictor.wants}")
    try:
        return predictor.images.files(path)
    except ValueError as error:
        raise UserError(str(error)) from error


def _check_names(
    names: Sequence[str], inputs: Sequence[Path], output: Path, overwrite: bool
) -> None:
    twins = [name for name, count in Counter(names).items() if count > 1]
    if twins:
        raise UserError(
            f"several inputs would be answered in one file: {listed(twins)}. Rename them, or "
            "answer them one by one, with a folder for each (-o)"
        )
    check_output(output)
    if folders := [name for name in names if (output / name).is_dir()]:
        raise UserError(f"{output} has folders of the answers' names: {listed(folders)}")
    own = {path.resolve() for path in inputs}
    if lost := [name for name in names if (output / name).resolve() in own]:
        raise UserError(
            f"the answers would replace their own input, {listed(lost)}: choose another folder (-o)"
        )
    there = [name for name in names if (output / name).exists()]
    if there and not overwrite:
        raise UserError(
            f"{output} has {listed(there)} already: --overwrite replaces "
            f"{'it' if len(there) == 1 else 'them'}, -o DIR writes elsewhere"
        )


def _answer_table(
    predictor: Predictor, path: Path, separator: str | None, name: str, folder: Path
) -> tuple[str, str]:
    import pandas as pd

    table = predictor.table
    assert table is not None
    try:
        frame = table.frame(path, separator)
        inputs = table.encode(frame)
        # As they are written there: 007 stays 007, and NA stays NA.
        carried = read_frame(path, separator or table.separator, verbatim=True)
    except ValueError as error:
        text = str(error)
        raise UserError(text if path.name in text else f"{path}: {text}") from error
    found = predictor.decode(predictor.answers(inputs))
    if twice := [name for name in found.columns if name in carried.columns]:
        raise UserError(
            f"{path} has columns of the answers' names already: {listed(twice)}. Rename them"
        )
    found.index = carried.index
    _write(pd.concat([carried, found], axis=1), folder / name, separator or table.separator)
    unknown = table.encoder.unknown(frame)
    note = unknown and f"{path.name}: not seen in training, and taken for none that was: {unknown}"
    return f"{counted(len(found), 'row')}, with {listed(found.columns, 4)}", note


def _write(frame: "pd.DataFrame", path: Path, separator: str) -> None:
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        frame.to_parquet(path)
    else:
        one = separator if len(separator) == 1 else ","  # a pattern separates, but joins nothing
        frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else one)
