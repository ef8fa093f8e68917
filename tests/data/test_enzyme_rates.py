"""Measurements that obey an equation."""

import pytest
import torch
from losslab.data import enzyme_rates
from losslab.data.enzyme_rates import TRUTH


def residual(**options):
    substrate, rate = enzyme_rates(**options).splits["train"]["input"].T
    maximum, michaelis, baseline = TRUTH.values()
    return rate - baseline - maximum * substrate / (michaelis + substrate)


def test_without_noise_and_outliers_the_equation_holds():
    torch.testing.assert_close(residual(noise=0, outliers=0), torch.zeros(300), atol=1e-4, rtol=0)


def test_noise_and_outliers_are_as_large_as_they_say():
    found = residual(samples=4000)
    wrong = found > 20
    assert wrong.float().mean().item() == pytest.approx(0.15, abs=0.02)
    assert found[~wrong].std().item() == pytest.approx(1, abs=0.05)
    assert found[wrong].mean().item() == pytest.approx(100, abs=5)


def test_there_is_no_target():
    assert set(enzyme_rates().splits["train"]) == {"input"}


@pytest.mark.parametrize("options", [{"samples": 0}, {"noise": -1.0}, {"outliers": 1.5}])
def test_options_outside_their_range_are_refused(options):
    with pytest.raises(ValueError, match=r"samples must be at least 1, noise not negative and out"):
        enzyme_rates(**options)
