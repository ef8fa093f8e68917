"""A generated curve that folds back on itself: one input, several answers."""

import math

import torch

from .build import summarise, tensor_source
from .source import TensorSource
from .split import split_indices
from .targets import Target


def one_to_many(
    *,
    samples: int = 1200,
    noise: float = 0.05,
    outliers: float = 0.0,
    seed: int = 0,
    val: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
) -> TensorSource:
    r"""One to many: a curve that folds back, so that an input in the middle has three answers.

    $$x = y + 0.3 \sin(2\pi y) + \varepsilon$$

    with $y$ uniform in [0, 1]: the inverse problem on which mixture densities were introduced. The
    mean of the answers to one $x$ lies between the branches, where there is no data.

    >>> source = one_to_many(samples=200)
    >>> batch = next(source.batches("train", 8))
    >>> batch["input"].shape, batch["target"].shape
    (torch.Size([8, 1]), torch.Size([8, 1]))

    Args:
        samples: number of points.
        noise: standard deviation of $\varepsilon$.
        outliers: share of the points whose target is a gross error, 20 off on either side.
        seed: draws the points.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split.

    Raises:
        ValueError: an option outside its range.

    References:
        Bishop 1994, Mixture Density Networks, section 5.1; there $\varepsilon$ is uniform.
    """
    if samples < 1 or noise < 0 or not 0 <= outliers <= 1:
        raise ValueError(
            "samples must be at least 1, noise not negative and outliers in [0, 1]; "
            f"got {samples}, {noise} and {outliers}"
        )
    generator = torch.Generator().manual_seed(seed)
    y = torch.rand(samples, 1, generator=generator)
    x = y + 0.3 * torch.sin(2 * math.pi * y) + noise * torch.randn(samples, 1, generator=generator)
    wrong = torch.rand(samples, 1, generator=generator) < outliers
    side = torch.randint(2, (samples, 1), generator=generator) * 2 - 1
    answer = Target(torch.where(wrong, y + 20 * side, y), "real", ("y",))
    split = split_indices(samples, val=val, test=test, seed=split_seed)
    summary = summarise("one_to_many", split, x, answer.values)
    tensors = {"input": x, "target": answer.tensor}
    return tensor_source(answer.spec((1,)), tensors, split, summary)
