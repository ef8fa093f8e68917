"""Generated measurements that obey an equation, some of them grossly wrong."""

import torch

from .build import summarise, tensor_source
from .source import TensorSource
from .spec import Spec
from .split import split_indices

TRUTH = {"maximum": 100.0, "michaelis": 0.8, "baseline": 10.0}
"""V, K and b: the highest rate, the substrate at half of it, and what the instrument adds."""


def enzyme_rates(
    *,
    samples: int = 300,
    noise: float = 1.0,
    outliers: float = 0.15,
    seed: int = 0,
    val: float = 0.0,
    test: float = 0.0,
    split_seed: int = 0,
) -> TensorSource:
    r"""Enzyme rates: pairs of a substrate and the rate at which it is used up, some grossly wrong.

    $$\frac{V s}{K + s} = v - b \qquad V = 100,\; K = 0.8,\; b = 10$$

    is what each pair $(s, v)$ obeys, but for noise; $b$ is what the instrument adds. There is no
    target: two sides of an equation are to be made equal.

    >>> source = enzyme_rates(samples=20)
    >>> batch = next(source.batches("train", 8))
    >>> {name: tuple(tensor.shape) for name, tensor in batch.items()}
    {'input': (8, 2)}

    Args:
        samples: number of measurements, with $s$ from 0.05 to 20, uniform in its logarithm.
        noise: standard deviation of the rate as it is read.
        outliers: share of the rates that were read 50 to 150 too high.
        seed: draws the measurements.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split.

    Raises:
        ValueError: an option outside its range.

    References:
        Michaelis & Menten 1913, Die Kinetik der Invertinwirkung.
    """
    if samples < 1 or noise < 0 or not 0 <= outliers <= 1:
        raise ValueError(
            "samples must be at least 1, noise not negative and outliers in [0, 1]; "
            f"got {samples}, {noise} and {outliers}"
        )
    generator = torch.Generator().manual_seed(seed)
    maximum, michaelis, baseline = TRUTH.values()
    substrate = 0.05 * 400 ** torch.rand(samples, generator=generator)
    rate = maximum * substrate / (michaelis + substrate) + baseline
    rate = rate + noise * torch.randn(samples, generator=generator)
    wrong = torch.rand(samples, generator=generator) < outliers
    rate = rate + wrong * (50 + 100 * torch.rand(samples, generator=generator))
    x = torch.stack([substrate, rate], 1)
    split = split_indices(samples, val=val, test=test, seed=split_seed)
    spec = Spec((2,), "real", 1, labels=("difference",))
    return tensor_source(spec, {"input": x}, split, summarise("enzyme_rates", split, x))
