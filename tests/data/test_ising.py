"""Rings of spins in equilibrium."""

import itertools
import math

import pytest
import torch
from losslab.data import ising
from losslab.data.ising import energy_per_spin, exact_energy, heat_bath, majority


def test_shapes_follow_the_spec():
    source = ising(samples=20, spins=12, block=3)
    spec = source.spec
    assert (spec.input_shape, spec.target, spec.outputs) == ((4,), "multilabel", 12)
    batch = next(source.batches("train", 14))
    assert (batch["input"].shape, batch["target"].shape) == ((14, 4), (14, 12))
    assert set(batch["input"].unique().tolist()) == {-1.0, 1.0}
    assert set(batch["target"].unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.5])
def test_the_exact_energy_is_that_of_all_rings(beta):
    rings = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=10)), dtype=torch.float64)
    energy = energy_per_spin(rings)
    share = torch.softmax(-beta * 10 * energy, 0)
    assert exact_energy(10, beta) == pytest.approx(float((share * energy).sum()), abs=1e-12)


def test_a_long_ring_is_an_endless_chain():
    assert exact_energy(400, 1.0) == pytest.approx(-math.tanh(1.0), abs=1e-12)


@pytest.mark.parametrize("beta", [0.5, 1.0])
def test_monte_carlo_reaches_equilibrium(beta):
    ring = heat_bath(4000, 32, beta, 100, torch.Generator().manual_seed(0))
    energy = energy_per_spin(ring)
    error = energy.std() / len(energy) ** 0.5
    assert float(error) < 0.003
    assert float((energy.mean() - exact_energy(32, beta)).abs()) < 4 * float(error)
    # The correlation of spins r apart on a long ring is tanh(β)^r.
    apart = (ring * ring.roll(3, 1)).mean()
    assert float(apart) == pytest.approx(math.tanh(beta) ** 3, abs=0.02)


def test_a_block_is_its_majority_and_a_tie_is_drawn():
    generator = torch.Generator().manual_seed(0)
    threes = torch.tensor([[1.0, 1.0, -1.0, -1.0, 1.0, -1.0]])
    assert majority(threes, 3, generator).tolist() == [[1.0, -1.0]]
    ties = majority(torch.tensor([[1.0, -1.0]]).repeat(1000, 1), 2, generator)
    assert abs(float(ties.mean())) < 0.1


def test_seed_draws_the_rings():
    first, again, other = (ising(samples=30, seed=seed) for seed in (0, 0, 1))
    assert first.summary == again.summary
    assert first.summary["fingerprint"] != other.summary["fingerprint"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples and sweeps must be at least 1"),
        ({"sweeps": 0}, "samples and sweeps must be at least 1"),
        ({"beta": -1.0}, "beta not negative; got"),
        ({"spins": 31}, "spins must be even"),
        ({"spins": 32, "block": 3}, "a multiple of block"),
        ({"block": 1}, "which is at least 2; got 32 and 1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ising(**options)
