"""Rings of spins at a temperature, drawn by Monte Carlo, and the majorities of their blocks."""

import math

import torch
from torch import Generator, Tensor

from .build import summarise, tensor_source
from .source import TensorSource
from .spec import Spec
from .split import split_indices


def ising(
    *,
    samples: int = 3000,
    spins: int = 32,
    block: int = 2,
    beta: float = 1.0,
    sweeps: int = 200,
    seed: int = 0,
    val: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
) -> TensorSource:
    r"""Ising chain: rings of spins at a temperature, to be found from the majorities of blocks.

    A ring of spins $s_i = \pm 1$ has the energy $E = -\sum_i s_i s_{i+1}$ (J = 1) and the
    probability $\propto e^{-\beta E}$. The input is the majority of each block of spins, −1 or 1,
    with ties drawn; the target is the ring itself, 1 for a spin up and 0 for one down.

    >>> source = ising(samples=20, spins=8)
    >>> batch = next(source.batches("train", 4))
    >>> batch["input"].shape, batch["target"].shape, source.spec.target
    (torch.Size([4, 4]), torch.Size([4, 8]), 'multilabel')

    Args:
        samples: number of rings, each drawn on its own.
        spins: in a ring; even.
        block: spins that become one.
        beta: $\beta = 1 / T \ge 0$, with J = 1.
        sweeps: times that each spin is drawn anew, from a random start.
        seed: draws the rings.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split.

    Raises:
        ValueError: an option outside its range, or a ring that blocks don't divide.
    """
    if samples < 1 or sweeps < 1 or beta < 0:
        raise ValueError(
            "samples and sweeps must be at least 1 and beta not negative; "
            f"got {samples}, {sweeps} and {beta}"
        )
    if spins < 4 or spins % 2 or block < 2 or spins % block:
        raise ValueError(
            "spins must be even, at least 4, and a multiple of block, which is at least 2; "
            f"got {spins} and {block}"
        )
    generator = torch.Generator().manual_seed(seed)
    ring = heat_bath(samples, spins, beta, sweeps, generator)
    coarse = majority(ring, block, generator)
    split = split_indices(samples, val=val, test=test, seed=split_seed)
    labels = tuple(f"spin {place}" for place in range(spins))
    spec = Spec((spins // block,), "multilabel", spins, labels=labels)
    target = (ring + 1) / 2
    summary = summarise("ising", split, coarse, target)
    return tensor_source(spec, {"input": coarse, "target": target}, split, summary)


def heat_bath(samples: int, spins: int, beta: float, sweeps: int, generator: Generator) -> Tensor:
    """Rings of ±1 in equilibrium, `[samples, spins]`, by heat-bath Monte Carlo.

    Given its two neighbours, a spin is up with the probability σ(2β (left + right)), whatever the
    others are: all even places are drawn together, and then all odd ones.
    """
    ring = 2.0 * torch.randint(0, 2, (samples, spins), generator=generator) - 1
    for _ in range(sweeps):
        for parity in (0, 1):
            field = (ring.roll(1, 1) + ring.roll(-1, 1))[:, parity::2]
            up = torch.rand(field.shape, generator=generator) < torch.sigmoid(2 * beta * field)
            ring[:, parity::2] = 2.0 * up - 1
    return ring


def majority(ring: Tensor, block: int, generator: Generator) -> Tensor:
    """The sign of the sum of each block, `[samples, blocks]`; a tie is drawn.

    >>> majority(torch.tensor([[1.0, 1.0, -1.0, -1.0]]), 2, torch.Generator())
    tensor([[ 1., -1.]])
    """
    total = ring.reshape(len(ring), -1, block).sum(2)
    drawn = 2.0 * torch.randint(0, 2, total.shape, generator=generator) - 1
    return torch.where(total == 0, drawn, total.sign())


def energy_per_spin(spins: Tensor) -> Tensor:
    r"""$E / N = -\frac1N \sum_i s_i s_{i+1}$ of rings `[batch, spins]`; `[batch]`, with J = 1.

    Of spins that are drawn on their own with the means given, it is the expected energy.

    >>> energy_per_spin(torch.tensor([[1.0, 1.0, 1.0, -1.0], [1.0, -1.0, 1.0, -1.0]]))
    tensor([-0., 1.])
    """
    return -(spins * spins.roll(-1, 1)).mean(1)


def exact_energy(spins: int, beta: float) -> float:
    r"""The exact mean of E / N for a ring of N spins at $\beta$, with J = 1.

    From the two eigenvalues of the transfer matrix, $2\cosh\beta$ and $2\sinh\beta$: with
    $t = \tanh\beta$ it is $-(t + t^{N-1}) / (1 + t^N)$, and $-t$ for an endless chain.

    >>> round(exact_energy(32, 1.0), 6), round(-math.tanh(1.0), 6)
    (-0.761685, -0.761594)
    """
    t = math.tanh(beta)
    return -(t + t ** (spins - 1)) / (1 + t**spins)
