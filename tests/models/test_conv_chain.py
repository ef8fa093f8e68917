"""Two convolutions on a ring."""

import pytest
import torch
from losslab.models import ConvChain


def test_it_has_six_weights_and_gives_the_resolution_back():
    model = ConvChain(in_features=16, outputs=32)
    assert sum(p.numel() for p in model.parameters()) == 6
    assert model(torch.ones(3, 16)).shape == (3, 32)


def test_a_ring_that_is_turned_has_an_answer_that_is_turned():
    torch.manual_seed(0)
    model = ConvChain(in_features=8, outputs=16, filters=3, kernel=3)
    ring = torch.randn(4, 8)
    torch.testing.assert_close(model(ring.roll(1, 1)), model(ring).roll(2, 1))


def test_an_answer_sees_its_neighbours_only_past_the_end_too():
    torch.manual_seed(0)
    model = ConvChain(in_features=8, outputs=16, filters=4)
    ring = torch.ones(1, 8)
    changed = ring.clone()
    changed[0, 0] = -1
    differs = (model(ring) != model(changed))[0].nonzero().flatten().tolist()
    assert differs == [0, 1, 2, 15]


def test_the_relu_is_alive_from_the_start():
    for seed in range(50):
        torch.manual_seed(seed)
        model = ConvChain(in_features=4, outputs=8)
        assert model(torch.ones(1, 4)).sum() != model(-torch.ones(1, 4)).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": 20}, "by a whole factor; got 16 values in and 20 out"),
        ({"outputs": 32, "filters": 0}, "filters must be at least 1; got 0"),
        ({"outputs": 32, "kernel": 0}, "kernel must be at least 1; got 0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ConvChain(in_features=16, **options)
