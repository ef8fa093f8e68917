"""Data that is typed in: a few rows of numbers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .build import Split, summarise, tensor_source
from .source import TensorSource
from .spec import TargetKind
from .split import split_indices
from .targets import Target


def values(
    *,
    input: Sequence[Any],
    target: Sequence[Any],
    kind: TargetKind = "real",
    val: float = 0.0,
    test: float = 0.0,
    split_seed: int = 0,
) -> TensorSource:
    """Values: a few rows typed in, for a run that can be followed by hand.

    >>> source = values(input=[[2, 3], [0, 1]], target=[1, 0.5])
    >>> next(source.batches("train", 2))["target"]
    tensor([[1.0000],
            [0.5000]])

    Args:
        input: one row of numbers for each sample, as they are: `[[2, 3], [0, 1]]`; a lone number
            stands for a row of one.
        target: one for each sample; a row of several where the model has several outputs. Classes
            are indices from 0.
        kind: `real`, `binary`, `multilabel` or `classes`.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split.

    Raises:
        ValueError: what is no table of numbers, rows without a target, or targets that are not of
            their kind.
    """
    rows, wanted = _table("input", input), _table("target", target)
    if len(rows) != len(wanted) or not len(rows):
        raise ValueError(
            f"input has {len(rows)} rows and target has {len(wanted)}: each row needs its target"
        )
    _check(wanted, kind)
    if kind == "classes":
        answer = Target(wanted[:, 0].long(), kind, _named(int(wanted.max()) + 1))
    else:
        answer = Target(wanted, kind, _named(2 if kind == "binary" else wanted.shape[1]))
    split: Split = split_indices(len(rows), val=val, test=test, seed=split_seed)
    tensors = {"input": rows.float(), "target": answer.tensor}
    summary = summarise("values", split, rows, wanted)
    return tensor_source(answer.spec(tuple(rows.shape[1:])), tensors, split, summary)


def _table(name: str, numbers: Sequence[Any]) -> Tensor:
    """`[samples, ...]`, float64."""
    try:
        table = torch.tensor(list(numbers), dtype=torch.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} must be rows of numbers, all as long; got {numbers}") from error
    return table.unsqueeze(1) if table.ndim == 1 else table


def _check(target: Tensor, kind: TargetKind) -> None:
    """Raise unless the targets, `[samples, outputs]`, are of their kind."""
    if kind in ("binary", "classes") and target.shape[1] != 1:
        raise ValueError(f"kind={kind} has one target a row; got {target.shape[1]}")
    if kind in ("binary", "multilabel") and not ((target == 0) | (target == 1)).all():
        raise ValueError(f"kind={kind} has targets 0 and 1; got {_distinct(target)}")
    if kind == "classes" and not ((target >= 0) & (target == target.round())).all():
        raise ValueError(f"kind=classes has targets 0, 1, 2, …; got {_distinct(target)}")


def _distinct(target: Tensor) -> list[float]:
    return sorted(set(target.flatten().tolist()))


def _named(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))
