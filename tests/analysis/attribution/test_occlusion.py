"""What is hidden, and what it takes away."""

import pytest
import torch
from losslab.analysis.attribution import occlusion, patches_of
from losslab.analysis.attribution.occlusion import over_patches, spread


@pytest.mark.parametrize(
    ("shape", "count"),
    [((5,), 5), ((1, 8, 8), 64), ((3, 30, 20), 64), ((2, 3, 40), 24), ((1, 9), 8)],
)
def test_every_place_is_in_one_patch(shape, count):
    patches = patches_of(shape)
    assert patches.shape == (count, *shape)
    assert torch.equal(patches.sum(0), torch.ones(shape, dtype=torch.long))


def test_of_a_linear_function_it_is_the_terms_of_its_sum():
    x, weights = torch.rand(4, 1, 8, 8), torch.randn(1, 8, 8)
    baseline = torch.full((1, 8, 8), 0.5)
    patches = patches_of((1, 8, 8))
    found = occlusion(lambda x: (weights * x).flatten(1).sum(1), x, baseline, patches)
    exact = over_patches(weights * (x - baseline), patches)
    torch.testing.assert_close(found, exact, rtol=1e-4, atol=1e-5)


def test_a_map_has_the_sums_of_its_patches():
    patches = patches_of((3, 30, 20))
    values = torch.randn(2, 64)
    over = over_patches(spread(values, patches), patches)
    torch.testing.assert_close(over, values, rtol=1e-4, atol=1e-4)
