"""What the columns of a pandas frame hold, and what is wrong with them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .messages import listed

_LARGEST = float(np.finfo(np.float32).max)


def is_number(column: Any) -> bool:
    """Whether a column holds numbers; truth values are not numbers here."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


def as_text(column: Any) -> Any:
    """The column with every value as text and missing values left missing."""
    return column.astype(object).map(str, na_action="ignore")


def text_among_numbers(column: Any) -> list[str]:
    """The values of a column, other than missing ones, that can't be read as numbers, in order."""
    import pandas as pd

    if is_number(column):
        return []
    present = as_text(column).dropna()
    return list(present[pd.to_numeric(present, errors="coerce").isna()])


def count_infinite(column: Any) -> int:
    """How many numbers of a column are infinite, or beyond single precision."""
    if not is_number(column):
        return 0
    values = column.to_numpy(np.float64, na_value=np.nan)
    return int((np.abs(values) > _LARGEST).sum())


def count_missing(column: Any) -> int:
    """How many values of a column are missing."""
    return int(column.isna().sum())


def tally(frame: Any, count: Callable[[Any], int]) -> str:
    """The columns where `count` finds something, as `age 3, fare 1`; empty if there are none."""
    counts = {name: count(frame[name]) for name in frame.columns}
    return listed((f"{name} {number:,}" for name, number in counts.items() if number), most=10)


def feature_problems(frame: Any) -> list[str]:
    """What keeps the columns of a table from being features, one text for each problem."""
    problems = []
    if infinite := tally(frame, count_infinite):
        problems.append(
            f"values that are infinite or beyond single precision: {infinite}. Correct these rows"
        )
    texts = [name for name in frame.columns if not is_number(frame[name])]
    dates = [name for name in texts if frame[name].dtype.kind in "Mm"]
    if dates:
        problems.append(
            f"columns that hold dates or durations: {listed(dates)}. "
            f"Turn them into numbers, or leave them out: {drop_hint(dates)}"
        )
    texts = [name for name in texts if name not in dates]
    for name in texts:
        wrong = text_among_numbers(frame[name])
        if 0 < len(wrong) < 0.5 * frame[name].count():
            distinct = listed(repr(text) for text in dict.fromkeys(wrong))
            problems.append(
                f"column {name} holds text among its numbers, in {len(wrong):,} of "
                f"{len(frame):,} rows: {distinct}. Correct these rows or leave them empty (missing)"
            )
    names = [name for name in texts if _looks_like_an_id(frame[name])]
    if names:
        problems.append(
            f"text that differs in (nearly) every row, which looks like an id or free text: "
            f"{listed(names)}. Leave it out: {drop_hint(names)}"
        )
    return problems


def drop_hint(names: list[str]) -> str:
    """What to type to leave columns out."""
    return f"data.drop=[{','.join(names)}]"


def _looks_like_an_id(column: Any) -> bool:
    distinct = as_text(column).nunique()
    return bool(
        distinct > 2
        and distinct >= 0.9 * column.count()
        and len(text_among_numbers(column)) >= 0.5 * column.count()
    )
