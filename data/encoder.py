"""The feature columns of a table as numbers: filled, one-hot encoded, standardised."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from .columns import (
    as_text,
    count_infinite,
    count_missing,
    drop_hint,
    is_number,
    tally,
    text_among_numbers,
)
from .messages import counted, listed
from .standardise import Scaling

Filling = Literal["mean", "median", "most_frequent"]


@dataclass(frozen=True)
class Encoder:
    """Turns a frame into features: its numeric columns, then a 0/1 feature for each category.

    Args:
        numbers: the numeric columns.
        categories: the categories of each other column.
        fill: what a missing value becomes, per column; empty if missing values are not filled.
        scaling: how the numeric columns are standardised; None leaves them as they are.
    """

    numbers: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    fill: Mapping[str, Any]
    scaling: Scaling | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are encoded."""
        return (*self.numbers, *self.categories)

    @property
    def features(self) -> tuple[str, ...]:
        """The name of each feature: its column, or `column=category`."""
        hot = [f"{name}={c}" for name, known in self.categories.items() for c in known]
        return (*self.numbers, *hot)

    def __call__(self, frame: Any) -> Tensor:
        """The features of `frame`, `[rows, features]`, float32.

        A category that the train split does not have is 0 in every feature of its column.
        """
        numbers = torch.from_numpy(self._filled(frame))
        blocks = [self.scaling(numbers) if self.scaling else numbers.float()]
        blocks += [self._hot(frame[name], name) for name in self.categories]
        return torch.cat(blocks, dim=1)

    def _filled(self, frame: Any) -> Any:
        values = np.empty((len(frame), len(self.numbers)))
        for i, name in enumerate(self.numbers):
            column = frame[name].to_numpy(np.float64, na_value=np.nan)
            values[:, i] = np.where(np.isnan(column), self.fill.get(name, np.nan), column)
        return values

    def _hot(self, column: Any, name: str) -> Tensor:
        import pandas as pd

        known = self.categories[name]
        text = as_text(column)
        if name in self.fill:
            text = text.fillna(self.fill[name])
        codes = torch.from_numpy(pd.Index(known).get_indexer(text))  # −1 if unknown or missing
        return (codes.unsqueeze(1) == torch.arange(len(known))).float()

    def check(self, frame: Any) -> None:
        """Whether new data can be encoded.

        Raises:
            ValueError: columns that are not there, text among numbers, values missing (where none
                are filled) or infinite.
        """
        absent = [name for name in self.columns if name not in frame.columns]
        if absent:
            raise ValueError(
                f"columns that the model was trained with are missing: {listed(absent)}"
            )
        numbers = frame[list(self.numbers)]
        if text := tally(numbers, lambda column: len(text_among_numbers(column))):
            raise ValueError(f"text in columns that held numbers in training: {text} rows")
        if infinite := tally(numbers, count_infinite):
            raise ValueError(f"values that are infinite or beyond single precision: {infinite}")
        if not self.fill and (missing := tally(frame[list(self.columns)], count_missing)):
            raise ValueError(
                f"missing values: {missing}. Training filled none in: complete these rows"
            )

    def unknown(self, frame: Any) -> str:
        """The categories that the train split does not have, as `town (Bern, Basel in 3 rows)`."""
        found = []
        for name, known in self.categories.items():
            text = as_text(frame[name]).dropna()
            if len(new := text[~text.isin(known)]):
                rows = counted(len(new), "row")
                found.append(f"{name} ({listed(new.unique(), 3)} in {rows})")
        return listed(found)


def fit_encoder(train: Any, missing: Filling | float | None, standardise: bool) -> Encoder:
    """The encoder whose categories, fillings and scaling come from the rows of `train`.

    Args:
        train: the feature columns of the train split.
        missing: what a missing number becomes: its column's mean, median or most frequent value, or
            this number. A missing text becomes its column's most frequent one. None fills nothing.
        standardise: whether to standardise the numeric columns.

    Raises:
        ValueError: a column without any value.
    """
    empty = [name for name in train.columns if train[name].isna().all()]
    if empty:
        raise ValueError(
            f"columns without a value in the train split: {listed(empty)}. "
            f"Leave them out: {drop_hint(empty)}"
        )
    numbers = tuple(name for name in train.columns if is_number(train[name]))
    texts = {name: as_text(train[name]).dropna() for name in train.columns if name not in numbers}
    fill: dict[str, Any] = {}
    if missing is not None:
        fill = {name: _filling(train[name], missing) for name in numbers}
        fill |= {name: text.mode().iloc[0] for name, text in texts.items()}
    categories = {name: tuple(sorted(text.unique())) for name, text in texts.items()}
    encoder = Encoder(numbers, categories, fill, None)
    if not standardise:
        return encoder
    scaling = Scaling.fit(torch.from_numpy(encoder._filled(train)))
    return Encoder(numbers, categories, fill, scaling)


def _filling(column: Any, missing: Filling | float) -> float:
    if missing == "mean":
        return float(column.mean())
    if missing == "median":
        return float(column.median())
    return float(column.mode().iloc[0] if missing == "most_frequent" else missing)
