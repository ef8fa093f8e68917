"""Sources of named batches."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from .spec import Spec

Batch = dict[str, Tensor]
SplitName = Literal["train", "val", "test"]
Reader = Callable[[str | Path], tuple[list[str], Tensor]]
"""Reads new data from a file or folder: the samples' names, and inputs prepared as in training.

`losslab predict` knows two, `TableReader` and `ImageReader`.
"""
Policy = Callable[[Batch], Mapping[str, Tensor]]
"""The model in use: from `{"input": [batch, ...]}` to its outputs by name, without gradient."""

_CHUNK_BYTES = 64 * 2**20  # how much of an epoch is gathered in its new order at once


class Source(Protocol):
    """What a run trains on: three splits of named tensors, and the spec that describes them.

    Attributes:
        spec: shapes and meaning of the tensors.
        summary: what a run logs of its data: name, counts, fingerprint.
        reader: reads new data of the same kind, for `losslab predict`; None where there is none.
    """

    spec: Spec
    summary: Mapping[str, Any]
    reader: Reader | None

    def size(self, split: SplitName) -> int:
        """How many samples the split has."""
        ...

    def batches(
        self,
        split: SplitName,
        batch_size: int,
        *,
        seed: int | None = None,
        start: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> Iterator[Batch]:
        """The batches of one pass, each a dict of tensors `[batch, ...]`.

        Args:
            split: which part of the data.
            batch_size: samples in a batch; the last one may be smaller.
            seed: draws the order; None keeps the order of the data. One seed is one order, so a
                resumed epoch sees what it would have seen.
            start: the first batch to give, for a resumed epoch.
            shard: (rank, ranks): every batch is divided among the ranks of a distributed run. A
                last batch with fewer samples than ranks is left out on all of them, since the ranks
                must take the same number of steps and none may get an empty batch.

        Raises:
            ValueError: `batch_size` below 1, or below the number of ranks.
        """
        ...

    def to(self, device: torch.device) -> "Source":
        """Keep what is in memory on `device`."""
        ...

    def following(self, policy: Policy | None) -> "Source":
        """The same source, where it is the model in training that decides what comes next.

        Most data do not mind who looks at them. Environments are played by the policy; None acts at
        random.

        Raises:
            ValueError: a policy that can't be followed.
        """
        return self

    def state(self) -> dict[str, Any]:
        """What else it takes, besides an epoch's seed, to go on within that epoch."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken, at the next call of `batches` that starts later."""
        return


def ordered(size: int, seed: int | None) -> Tensor | None:
    """The order in which an epoch visits its samples, `[size]`; None is the order of the data."""
    if seed is None:
        return None
    return torch.randperm(size, generator=torch.Generator().manual_seed(seed))


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of an epoch's order, for the run's seed: no two epochs of two runs share one."""
    return seed * 1_000_003 + epoch


def batch_starts(
    size: int, batch_size: int, start: int = 0, shard: tuple[int, int] = (0, 1)
) -> range:
    """The first sample of each batch of a pass; see `Source.batches` for the arguments.

    >>> list(batch_starts(9, 4)), list(batch_starts(9, 4, shard=(0, 2)))
    ([0, 4, 8], [0, 4])
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; got {batch_size}")
    if batch_size < shard[1]:
        raise ValueError(
            f"batch_size={batch_size} can't be divided among {shard[1]} processes: raise it to "
            f"{shard[1]} or more"
        )
    if 0 < size % batch_size < shard[1]:
        size -= size % batch_size
    return range(start * batch_size, size, batch_size)


class TensorSource(Source):
    """Data that fits in memory: splits are dicts of tensors on one device, batches are views.

    Args:
        spec: shapes and meaning of the tensors.
        splits: for each of train, val and test, the named tensors `[samples, ...]`.
        summary: what a run logs of its data.
        reader: reads new data of the same kind.
    """

    def __init__(
        self,
        spec: Spec,
        splits: Mapping[SplitName, Mapping[str, Tensor]],
        summary: Mapping[str, Any] | None = None,
        reader: Reader | None = None,
    ) -> None:
        self.spec = spec
        self.splits = {name: dict(tensors) for name, tensors in splits.items()}
        self.summary: Mapping[str, Any] = dict(summary or {})
        self.reader: Reader | None = reader

    def size(self, split: SplitName) -> int:
        """How many samples the split has."""
        return len(next(iter(self.splits[split].values())))

    def to(self, device: torch.device) -> "TensorSource":
        """The same data on `device`."""
        moved: dict[SplitName, dict[str, Tensor]] = {
            name: {key: tensor.to(device) for key, tensor in tensors.items()}
            for name, tensors in self.splits.items()
        }
        return TensorSource(self.spec, moved, self.summary, self.reader)

    def batches(
        self,
        split: SplitName,
        batch_size: int,
        *,
        seed: int | None = None,
        start: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> Iterator[Batch]:
        """See `Source.batches`."""
        tensors = self.splits[split]
        starts = batch_starts(self.size(split), batch_size, start, shard)
        order = ordered(self.size(split), seed)
        rank, ranks = shard
        # A whole chunk is put in order at once, and its batches are slices of it: one gather per
        # chunk instead of one per batch and tensor.
        bytes_per_sample = sum(t[:1].nbytes for t in tensors.values())
        batches_per_chunk = max(1, _CHUNK_BYTES // max(1, bytes_per_sample * batch_size))
        for chunk_starts in _pieces(starts, batches_per_chunk):
            first, stop = chunk_starts[0], min(chunk_starts[-1] + batch_size, self.size(split))
            if order is None:
                chunk = {key: tensor[first:stop] for key, tensor in tensors.items()}
            else:
                index = order[first:stop].to(next(iter(tensors.values())).device)
                chunk = {key: tensor[index] for key, tensor in tensors.items()}
            names = list(chunk)
            for pieces in zip(*(torch.split(chunk[n], batch_size) for n in names), strict=True):
                batch = dict(zip(names, pieces, strict=True))
                if ranks > 1:
                    batch = {name: piece[rank::ranks] for name, piece in batch.items()}
                yield batch


def _pieces(starts: range, length: int) -> Iterator[range]:
    return (starts[i : i + length] for i in range(0, len(starts), length))
