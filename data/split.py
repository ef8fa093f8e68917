"""Splitting samples into train, val and test."""

import torch
from torch import Tensor

from .source import SplitName


def split_indices(
    size: int,
    *,
    val: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    strata: Tensor | None = None,
) -> dict[SplitName, Tensor]:
    """Indices of the three splits, drawn by seed, each class shared out in proportion.

    The splits have the sizes that the shares ask for, and a class's part of each is within one
    sample of its share; every class, however rare, keeps a sample to train on.

    Written out here because importing scikit-learn for it would take longer than importing torch.

    >>> {name: len(index) for name, index in split_indices(100, val=0.2, test=0.1).items()}
    {'train': 70, 'val': 20, 'test': 10}

    Args:
        size: number of samples.
        val: share of the validation split, in [0, 1).
        test: share of the test split.
        seed: draws the split.
        strata: class of each sample, `[size]`; None for none.

    Raises:
        ValueError: shares outside [0, 1) or that leave nothing to train on.
    """
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise ValueError(
            f"val and test are shares that leave something to train on; got {val}, {test}"
        )
    generator = torch.Generator().manual_seed(seed)
    groups = [torch.arange(size)]
    if strata is not None:
        groups = [(strata == value).nonzero().flatten() for value in torch.unique(strata)]
    parts: dict[SplitName, list[Tensor]] = {"train": [], "val": [], "test": []}
    before = 0
    for group in groups:
        shuffled = group[torch.randperm(len(group), generator=generator)]
        # Rounds the running total, not each class: many small classes would all round to 0.
        after = before + len(group)
        n_val = min(round(after * val) - round(before * val), len(group) - 1)
        n_test = min(round(after * test) - round(before * test), len(group) - 1 - n_val)
        before = after
        parts["val"].append(shuffled[:n_val])
        parts["test"].append(shuffled[n_val : n_val + n_test])
        parts["train"].append(shuffled[n_val + n_test :])
    split = {name: torch.cat(indices).sort().values for name, indices in parts.items()}
    shares = {"train": 1.0, "val": val, "test": test}
    for name, indices in split.items():
        if shares[name] and not len(indices):
            raise ValueError(f"{size} samples are too few: nothing is left for the {name} split")
    return split
