"""Tables: a CSV or Parquet file with a column, or several, to predict."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from .build import summarise, tensor_source
from .columns import count_missing, feature_problems, tally
from .encoder import Encoder, Filling, fit_encoder
from .messages import counted, did_you_mean, listed
from .source import TensorSource
from .spec import TargetKind
from .split import split_indices
from .targets import read_target

_RULES = ("mean", "median", "most_frequent", "drop")


def csv(
    *,
    path: str | Path,
    target: str | Sequence[str],
    kind: TargetKind | None = None,
    missing: Filling | Literal["drop"] | float | None = None,
    drop: str | Sequence[str] = (),
    separator: str = ",",
    val: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
    standardise: bool = True,
    standardise_target: bool = True,
) -> TensorSource:
    """A table from a CSV or Parquet file: some columns are the target, all others features.

    Text, truth values and other non-numbers are one-hot encoded, with the categories of the train
    split; a category that only val, test or new data have is 0 in all of its column's features.
    Scaling, fillings and categories come from the train split alone, so nothing of val and test
    leaks into it.

    Args:
        path: a `.csv`, `.tsv` or `.txt` file, compressed or not, or a `.parquet` file.
        target: the column to predict, or a list of columns.
        kind: what the target is. Null infers it: one column is `binary` with two distinct values;
            `classes` if it is text, or whole numbers with few distinct values (at most 20, each 5
            times on average); else `real`. Several columns are `multilabel` if all hold 0 and 1,
            else `real`. Classes are numbered in sorted order.
        missing: null makes missing values an error. `mean`, `median`, `most_frequent` or a number
            fills the numeric features (text always takes its most frequent value); `drop` leaves
            out every row with a missing value.
        drop: columns to leave out, such as ids.
        separator: between the values of a CSV file; a `.tsv` file has tabs.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split, stratified by class.
        standardise: subtract each numeric feature's mean and divide by its deviation, both of the
            train split.
        standardise_target: the same for real targets; the spec keeps offset and scale, so that
            metrics are told in the original unit.

    Raises:
        ValueError: the file, its columns or values can't be used as asked; the text counts and
            names them.
    """
    _check_rule(missing)
    targets = _names(target)
    frame = _chosen(read_frame(path, separator), targets, _names(drop), path)
    if missing == "drop":
        frame = _complete_rows(frame)
    features = frame.drop(columns=targets)
    problems = feature_problems(features)
    if missing is None and (counts := tally(frame, count_missing)):
        problems.append(
            f"missing values: {counts} of {len(frame):,} rows. Say what becomes of them: "
            f"data.missing=mean (or {', '.join(_RULES[1:])}, or a number)"
        )
    if problems:
        raise ValueError("\n".join(f"{Path(path).name}: {problem}" for problem in problems))

    answer = read_target(frame[targets], kind)
    split = split_indices(len(frame), val=val, test=test, seed=split_seed, strata=answer.strata)
    fill = None if missing == "drop" else missing
    encoder = fit_encoder(features.iloc[split["train"].numpy()], fill, standardise)
    columns = ",".join(frame.columns).encode()
    summary = summarise(Path(path).name, split, Path(path).expanduser().read_bytes(), columns)
    if standardise_target:
        answer = answer.standardised(split["train"])
    tensors = {"input": encoder(features), "target": answer.tensor}
    spec = answer.spec((len(encoder.features),), encoder.features)
    return tensor_source(spec, tensors, split, summary, TableReader(encoder, separator))


@dataclass(frozen=True)
class TableReader:
    """Prepares other tables as a run's own was, see `Reader`.

    Args:
        encoder: fitted to the train split.
        separator: between the values of a CSV file.
        shape: of a sample, where it is not a row of its features.
    """

    encoder: Encoder
    separator: str = ","
    shape: tuple[int, ...] = ()

    @property
    def text(self) -> list[str]:
        """The columns of text, other than truth values."""
        known = self.encoder.categories
        return [name for name in known if not set(known[name]) <= {"True", "False"}]

    def __call__(self, path: str | Path) -> tuple[list[str], Tensor]:
        """The rows of a file, named by their number."""
        frame = self.frame(path)
        return [str(row) for row in range(len(frame))], self.encode(frame)

    def frame(self, path: str | Path, separator: str | None = None) -> Any:
        """The table in a file, whose text stays text even if it looks like numbers in all rows.

        Raises:
            ValueError: see `read_frame`.
        """
        return read_frame(path, separator or self.separator, self.text, option="--separator")

    def encode(self, frame: Any) -> Tensor:
        """The rows as inputs of the model, `[rows, *shape]`.

        Raises:
            ValueError: see `Encoder.check`.
        """
        self.encoder.check(frame)
        inputs = self.encoder(frame)
        return inputs.reshape(-1, *self.shape) if self.shape else inputs


def read_frame(
    path: str | Path,
    separator: str = ",",
    text: Sequence[str] = (),
    option: str = "data.separator",
    verbatim: bool = False,
) -> Any:
    """The pandas frame in a file.

    Args:
        path: the file.
        separator: between the values of a CSV file.
        text: columns of a CSV file that are text even if they look like numbers.
        option: what sets the separator, for the error.
        verbatim: take all values of a CSV file as the text that they are.

    Raises:
        ValueError: no such file, a folder, an unknown type, nothing in it, or a file that can't be
            parsed.
    """
    import pandas as pd

    path = Path(path).expanduser()
    _check_file(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    try:
        if suffixes[-1:] in ([".parquet"], [".pq"]):
            frame = pd.read_parquet(path)
        elif {".csv", ".tsv", ".txt"} & set(suffixes[-2:]):
            tabs = ".tsv" in suffixes[-2:]
            options: dict[str, Any] = {"skipinitialspace": True, "low_memory": False}
            options["dtype"] = str if verbatim else dict.fromkeys(text, str)
            options["keep_default_na"] = not verbatim
            frame = _read_csv(path, sep="\t" if tabs else separator, **options)
        else:
            raise ValueError("not a type that is read here: expected .csv, .tsv, .txt or .parquet")
    except pd.errors.EmptyDataError:
        raise ValueError(f"{path} is empty") from None
    except (ValueError, OSError) as error:  # pandas' and arrow's parser errors are ValueErrors
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} can't be read as a table: {reason}") from error
    frame.columns = [str(name) for name in frame.columns]
    if frame.empty:
        raise ValueError(
            f"{path} has no row: its only line is the header, {listed(frame.columns, 4)}"
        )
    if frame.shape[1] == 1 and (other := _other_separator(frame.columns[0], separator)):
        raise ValueError(
            f"{path} has one column, {frame.columns[0]!r}, which looks separated by {other!r}: "
            f"say {option}='{other}'"
        )
    return frame


def _read_csv(path: Path, **options: Any) -> Any:
    """The frame in a CSV file, whose rows may end in separators that its header has not got.

    Of such rows pandas would take the first values as an index, and the others one column too far
    to the left.
    """
    import pandas as pd

    # As text, an index never looks like the row numbers that pandas counts itself.
    first = pd.read_csv(path, nrows=1, **{**options, "dtype": str})
    if isinstance(first.index, pd.RangeIndex):
        return pd.read_csv(path, **options)
    known = list(first.columns)
    names = [*known, *range(first.index.nlevels)]
    frame = pd.read_csv(path, names=names, header=0, **options)
    ends = frame.iloc[:, len(known) :]
    wrong = int((ends.notna() & ends.ne("")).any(axis=1).sum())
    if wrong and len(known) > 1:  # one alone may have another separator, which the caller says
        raise ValueError(
            f"of its {counted(len(frame), 'row')}, {wrong:,} have more values than the header has "
            f"names, which is {len(known)}: name each column, also one of row names, or leave out "
            "what has no name"
        )
    return frame[known]


def _check_file(path: Path) -> None:
    if path.is_file():
        return
    folder = path.parent.absolute()
    if path.is_dir():
        raise ValueError(f"{path} is a folder: expected a .csv, .tsv, .txt or .parquet file")
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}, so no file {path.name} in it")
    names = [entry.name for entry in folder.iterdir() if entry.is_file()]
    raise ValueError(f"there is no file {path.name} in {folder}.{did_you_mean(path.name, names)}")


def _other_separator(header: str, separator: str) -> str | None:
    return next((mark for mark in ";|,\t" if mark != separator and mark in header), None)


def _check_rule(missing: object) -> None:
    number = isinstance(missing, int | float) and not isinstance(missing, bool)
    if not (missing is None or missing in _RULES or (number and isfinite(float(str(missing))))):
        raise ValueError(
            f"missing={missing} is no rule: choose {', '.join(_RULES)}, a number, or null."
            f"{did_you_mean(str(missing), _RULES)}"
        )


def _names(columns: str | Sequence[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else [str(name) for name in columns]


def _complete_rows(frame: Any) -> Any:
    complete = frame.dropna().reset_index(drop=True)
    if complete.empty:
        raise ValueError(
            f"missing=drop leaves nothing: each of the {len(frame):,} rows lacks a value; "
            f"missing values: {tally(frame, count_missing)}"
        )
    return complete


def _chosen(frame: Any, targets: list[str], drop: list[str], path: str | Path) -> Any:
    """The frame without the columns in `drop`, after a check of all names."""
    columns = list(frame.columns)
    for role, names in (("target", targets), ("drop", drop)):
        for name in names:
            if name not in columns:
                raise ValueError(
                    f"{Path(path).name} has no column {name} ({role})."
                    f"{did_you_mean(name, columns)} It has {listed(columns, 10)}"
                )
    if not targets or set(targets) & set(drop) or len(set(targets)) < len(targets):
        raise ValueError(
            "target needs one column or several different ones that are not dropped; "
            f"got target={targets} and drop={drop}"
        )
    frame = frame.drop(columns=drop)
    if frame.shape[1] == len(targets):
        raise ValueError(
            f"{Path(path).name} has no column left to predict {listed(targets)} from; "
            f"it has {listed(columns, 10)}"
        )
    return frame
