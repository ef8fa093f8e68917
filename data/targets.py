"""Targets from columns of a table: which kind they are, and their tensor."""

from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

from .columns import count_infinite, count_missing, is_number, tally, text_among_numbers
from .messages import did_you_mean, listed
from .spec import Spec, TargetKind
from .standardise import Scaling

# Whole numbers with at most so many distinct values, each seen 5 times on average, are classes.
_FEW = 20


@dataclass(frozen=True)
class Target:
    """A target of every sample, and what a spec says about it.

    Args:
        values: `[samples, outputs]`, real ones float64; class indices `[samples]`, int64.
        kind: see `Spec.target`.
        labels: names of the classes, or of the outputs.
        offset: see `Spec.offset`.
        scale: see `Spec.scale`.
    """

    values: Tensor
    kind: TargetKind
    labels: tuple[str, ...]
    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @property
    def strata(self) -> Tensor | None:
        """The class of each sample, `[samples]`, to split by; None where there is none."""
        return self.values.flatten() if self.kind in ("binary", "classes") else None

    @property
    def tensor(self) -> Tensor:
        """The values as a run sees them: class indices int64, all others float32."""
        return self.values if self.kind == "classes" else self.values.float()

    def standardised(self, train: Tensor) -> "Target":
        """With real values standardised by the samples `train`; other kinds stay as they are."""
        if self.kind != "real":
            return self
        scaling = Scaling.fit(self.values[train])
        offset, scale = tuple(scaling.offset.tolist()), tuple(scaling.scale.tolist())
        return replace(self, values=scaling(self.values), offset=offset, scale=scale)

    def spec(self, input_shape: tuple[int, ...], features: tuple[str, ...] = ()) -> Spec:
        """The spec of a source that has this target, and these features if they have names."""
        outputs = 1 if self.kind == "binary" else len(self.labels)
        return Spec(
            input_shape,
            self.kind,
            outputs,
            labels=self.labels,
            offset=self.offset,
            scale=self.scale,
            features=features,
        )


def read_target(frame: Any, kind: TargetKind | None = None) -> Target:
    """The target in the columns of a pandas frame.

    One column is `binary` with two distinct values; `classes` if it is text, or whole numbers with
    few distinct values (at most 20, each 5 times on average); else `real`. Several columns are
    `multilabel` if all hold 0 and 1, else `real`.

    Args:
        frame: one column, or one per output.
        kind: says the kind instead.

    Raises:
        ValueError: missing or infinite values, one distinct value only, text among numbers, a kind
            that does not fit.
    """
    kinds = get_args(TargetKind)
    if kind is not None and kind not in kinds:
        raise ValueError(
            f"kind={kind} is no kind of target: choose {', '.join(kinds)}, or null to infer it."
            f"{did_you_mean(kind, kinds)}"
        )
    if missing := tally(frame, count_missing):
        raise ValueError(f"missing target values: {missing}. Complete or remove these rows")
    if infinite := tally(frame, count_infinite):
        raise ValueError(
            f"target values that are infinite or beyond single precision: {infinite}. "
            "Correct or remove these rows"
        )
    constant = [name for name in frame.columns if frame[name].nunique() < 2]
    if constant:
        value = frame[constant[0]].iloc[0]
        raise ValueError(
            f"target {constant[0]} has one value only, {value}: there is nothing to learn"
        )
    return _one(frame, kind) if frame.shape[1] == 1 else _several(frame, kind)


def _one(frame: Any, kind: TargetKind | None) -> Target:
    column = frame.iloc[:, 0]
    kind = kind or _inferred(column)
    if kind == "multilabel":
        raise ValueError(f"kind=multilabel needs several target columns; got {column.name} alone")
    return _numbers(frame) if kind == "real" else _classes(column, kind)


def _several(frame: Any, kind: TargetKind | None) -> Target:
    names = [str(name) for name in frame.columns]
    if kind in ("binary", "classes"):
        raise ValueError(
            f"kind={kind} needs one target column; got {len(names)}: {listed(names)}. "
            "Several columns are real or multilabel"
        )
    truths = [name for name in frame.columns if frame[name].dtype.kind == "b"]
    target = _numbers(frame.astype(dict.fromkeys(truths, np.float64)))
    flags = bool(((target.values == 0) | (target.values == 1)).all())
    if kind == "multilabel" and not flags:
        raise ValueError(
            f"kind=multilabel needs 0 and 1 alone in every target column: {listed(names)}"
        )
    return replace(target, kind="multilabel") if flags and kind != "real" else target


def _inferred(column: Any) -> TargetKind:
    distinct = column.nunique()
    if distinct == 2:
        return "binary"
    if is_number(column):
        values = column.to_numpy(np.float64)
        whole = bool((values == np.round(values)).all())
        return "classes" if whole and distinct <= min(_FEW, len(column) / 5) else "real"
    if len(text_among_numbers(column)) < 0.5 * len(column) and distinct > _FEW:
        return "real"  # numbers with some text among them, which `_numbers` rejects
    if distinct > 2 and distinct > 0.5 * len(column):
        raise ValueError(
            f"target {column.name} is text with {distinct:,} distinct values in {len(column):,} "
            f"rows: {listed(column.unique(), 3)}. Choose a column of classes or numbers"
        )
    return "classes"


def _numbers(frame: Any) -> Target:
    for name in frame.columns:
        if wrong := text_among_numbers(frame[name]):
            distinct = listed((repr(text) for text in dict.fromkeys(wrong)), 3)
            raise ValueError(
                f"target {name} holds text where numbers should be, in {len(wrong):,} of "
                f"{len(frame):,} rows: {distinct}. Correct or remove these rows"
            )
    values = torch.from_numpy(frame.astype(np.float64).to_numpy(copy=True))
    return Target(values, "real", tuple(str(name) for name in frame.columns))


def _classes(column: Any, kind: TargetKind) -> Target:
    codes, distinct = _codes(column)
    if kind == "binary" and len(distinct) != 2:
        raise ValueError(
            f"kind=binary needs two distinct values; target {column.name} has {len(distinct):,}: "
            f"{listed(distinct)}"
        )
    return Target(codes.unsqueeze(1) if kind == "binary" else codes, kind, distinct)


def _codes(column: Any) -> tuple[Tensor, tuple[str, ...]]:
    """The index of each value among the sorted distinct ones, and these as text."""
    if not is_number(column):
        column = column.astype(object).map(str)
    distinct, codes = np.unique(column.to_numpy(), return_inverse=True)
    labels = tuple(str(int(v) if isinstance(v, float) and v.is_integer() else v) for v in distinct)
    return torch.from_numpy(codes.astype(np.int64)), labels
