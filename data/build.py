"""From tensors and a split to a source, for data that fits in memory."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

from .source import Reader, SplitName, TensorSource
from .spec import Spec

Split = Mapping[SplitName, Tensor]


def fingerprint(*pieces: Tensor | bytes) -> str:
    """A short name for data: equal data have equal names.

    >>> fingerprint(torch.arange(3)) == fingerprint(torch.arange(3))
    True
    """
    digest = hashlib.sha256()
    for piece in pieces:
        if isinstance(piece, bytes):
            digest.update(piece)
        else:
            digest.update(f"{piece.dtype}{tuple(piece.shape)}".encode())
            digest.update(piece.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:12]


def summarise(name: str, split: Split, *pieces: Tensor | bytes) -> dict[str, object]:
    """What a run logs of its data: name, samples per split, fingerprint of data and split.

    Args:
        name: what the data is called.
        split: sample indices of train, val and test.
        pieces: the data, before anything was fitted to its train split.
    """
    counts = {str(part): len(index) for part, index in split.items()}
    return {"name": name, **counts, "fingerprint": fingerprint(*pieces, *split.values())}


def tensor_source(
    spec: Spec,
    tensors: Mapping[str, Tensor],
    split: Split,
    summary: Mapping[str, object],
    reader: Reader | None = None,
) -> TensorSource:
    """The source that shares out `tensors`, each `[samples, ...]`, by the indices of `split`."""
    splits = {
        part: {name: tensor[index] for name, tensor in tensors.items()}
        for part, index in split.items()
    }
    return TensorSource(spec, splits, summary, reader)
