"""Occlusion: what becomes of an answer when a part of the sample is hidden; without gradients."""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from .gradients import Score

_MOST = 8  # patches along an axis


def occlusion(score: Score, inputs: Tensor, baseline: Tensor, patches: Tensor) -> Tensor:
    r"""$f(x) - f(x \text{ with a patch at the baseline})$, for each patch; `[samples, patches]`.

    >>> x = torch.tensor([[1.0, 2.0]])
    >>> occlusion(lambda x: x[:, 0] * x[:, 1] + x[:, 1], x, torch.zeros(2), patches_of((2,)))
    tensor([[2., 4.]])

    Args:
        score: f, of samples that are their own.
        inputs: x, `[samples, ...]`.
        baseline: what a hidden part becomes: one sample, or as many as `inputs`.
        patches: which parts are hidden together, `[patches, ...]`, booleans.

    References:
        M. D. Zeiler, R. Fergus, Visualizing and understanding convolutional networks. ECCV (2014),
        section 4.2.
    """
    with torch.no_grad():
        whole = score(inputs)
        hidden = [score(torch.where(patch, baseline, inputs)) for patch in patches]
    return torch.stack([whole - value for value in hidden], 1)


def patches_of(shape: Sequence[int]) -> Tensor:
    """The parts of a sample: each feature of a row, or an even grid of at most 8 by 8 patches.

    Args:
        shape: of one sample, `(features,)` or `(channels, *spatial)`; a patch holds all channels.

    Returns:
        Booleans, `[patches, *shape]`; each place is in one patch.
    """
    if len(shape) == 1:
        return torch.eye(shape[0], dtype=torch.bool)
    cells = [torch.arange(size).tensor_split(min(size, _MOST)) for size in shape[1:]]
    patches = []
    for chosen in product(*cells):
        patch = torch.zeros(*shape, dtype=torch.bool)
        patch[(slice(None), *(slice(int(c[0]), int(c[-1]) + 1) for c in chosen))] = True
        patches.append(patch)
    return torch.stack(patches)


def over_patches(values: Tensor, patches: Tensor) -> Tensor:
    """The sum of `values`, `[samples, ...]`, over each patch; `[samples, patches]`."""
    return values.flatten(1) @ patches.flatten(1).to(values).T


def spread(values: Tensor, patches: Tensor) -> Tensor:
    """`[samples, patches]` as a map, `[samples, ...]`: every place has its patch's share."""
    share = values / patches.flatten(1).sum(1)
    return (share @ patches.flatten(1).to(values)).reshape(-1, *patches.shape[1:])
