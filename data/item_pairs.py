"""All pairs of a number of items, for models that give each pair two numbers."""

import torch

from .build import summarise, tensor_source
from .source import TensorSource
from .spec import Spec
from .split import split_indices


def item_pairs(*, items: int = 12) -> TensorSource:
    """Item pairs: all pairs of so many items, each once; a model tells what is made of them.

    There is no target, and all pairs are for training.

    >>> source = item_pairs(items=3)
    >>> next(source.batches("train", 8))["input"].tolist()
    [[0, 1], [0, 2], [1, 2]]

    Args:
        items: number of items, at least 3.

    Raises:
        ValueError: fewer than 3 items, which have one pair.
    """
    if items < 3:
        raise ValueError(f"items must be at least 3, which have 3 pairs; got {items}")
    pairs = torch.combinations(torch.arange(items))
    split = split_indices(len(pairs), val=0, test=0)
    spec = Spec((2,), "real", 1, labels=("pair",))
    return tensor_source(spec, {"input": pairs}, split, summarise("item_pairs", split, pairs))
