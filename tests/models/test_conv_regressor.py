import math
import re

import pytest
import torch
from losslab.models import ConvRegressor
from omegaconf import OmegaConf
from torch import nn

# Bounds whose middle ± half width does not round to its ends in single precision.
AWKWARD = [[0.1, 0.7], [-0.3, 1e-3]]


def constant(z: list[float], **options) -> ConvRegressor:
    """A regressor whose head answers `z` whatever it sees."""
    model = ConvRegressor((1, 4, 4), len(z), width=2, depth=1, **options)
    last = model.head[-1]
    nn.init.zeros_(last.weight)
    last.bias = nn.Parameter(torch.tensor(z))
    return model


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 4, 7), (3, 33, 18), (2, 500, 3), (1, 64, 64)], ids=str
)
@pytest.mark.parametrize("depth", [1, 3])
def test_images_of_any_size(shape, depth):
    model = ConvRegressor(shape, 2, width=4, depth=depth)
    assert model(torch.randn(2, *shape)).shape == (2, 2)


@pytest.mark.parametrize(
    ("sides", "cells"),
    [((64, 64), 64), ((8, 8), 1), ((300, 300), 64), ((500, 3), 8), ((65, 20), 24)],
    ids=str,
)
def test_the_head_sees_a_grid_of_at_most_eight_by_eight(sides, cells):
    model = ConvRegressor((1, *sides), 2, width=4, depth=3)
    assert model.head[0].in_features == 16 * cells


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["fp32", "fp64"])
@pytest.mark.parametrize("z", [1.0, 20.0, 1e4, math.inf])
def test_no_answer_leaves_its_bounds(z, dtype):
    image = torch.zeros(1, 1, 4, 4, dtype=dtype)
    for sign, end in ((-1, 0), (1, 1)):
        model = constant([sign * z] * 2, bounds=AWKWARD).to(dtype)
        answer = model(image)[0]
        low, high = torch.tensor(AWKWARD).to(dtype).T
        assert ((answer >= low) & (answer <= high)).all()
        if z > 1:
            assert torch.equal(answer, (low, high)[end])


def test_inside_the_bounds_it_is_a_scaled_tanh():
    z = [-0.8, 1.3]
    model = constant(z, bounds=[[0.0, 1.0], [-3.0, 5.0]]).double()
    answer = model(torch.zeros(1, 1, 4, 4).double())
    expected = [0.5 + 0.5 * math.tanh(-0.8), 1 + 4 * math.tanh(1.3)]
    torch.testing.assert_close(answer[0].tolist(), expected, rtol=1e-7, atol=1e-7)
    answer.sum().backward()
    slope = [0.5 * (1 - math.tanh(-0.8) ** 2), 4 * (1 - math.tanh(1.3) ** 2)]
    torch.testing.assert_close(model.head[-1].bias.grad.tolist(), slope, rtol=1e-6, atol=1e-7)


def test_without_bounds_the_answer_is_the_heads():
    assert constant([1e4, -1e4])(torch.zeros(1, 1, 4, 4)).tolist() == [[1e4, -1e4]]


@pytest.mark.parametrize(
    "bounds", [[0, 1], (0.0, 1.0), [[0, 1], [0, 1]], OmegaConf.create([[0, 1], [0, 1.0]])], ids=str
)
def test_one_pair_or_one_for_each(bounds):
    model = constant([99.0, -99.0], bounds=bounds)
    assert model(torch.zeros(1, 1, 4, 4)).tolist() == [[1.0, 0.0]]


def test_bounds_are_no_part_of_a_checkpoint():
    bounded, plain = constant([0.0], bounds=[0, 1]), constant([0.0])
    assert bounded.state_dict().keys() == plain.state_dict().keys()


def test_under_autocast_a_bounded_answer_stays_in_single_precision():
    model = constant([99.0, 0.0], bounds=AWKWARD)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answer = model(torch.zeros(1, 1, 4, 4))
    assert answer.dtype == torch.float32
    torch.testing.assert_close(answer[0].tolist(), [0.7, (1e-3 - 0.3) / 2], rtol=1e-6, atol=0)


@pytest.mark.parametrize("bounds", [None, [[0.0, 1.0], [0.0, 12.0]]], ids=["unbounded", "bounded"])
def test_it_learns_brightness_and_place(bounds):
    """An average over the image could not tell the place, a normalised one not the brightness."""
    torch.manual_seed(0)
    brightness, place = 0.2 + 0.8 * torch.rand(64), torch.randint(1, 11, (64,))
    image = torch.zeros(64, 1, 12, 12)
    for i in range(64):
        image[i, 0, 5:7, place[i] : place[i] + 2] = brightness[i]
    target = torch.stack([brightness, place.float()], 1)
    model = ConvRegressor((1, 12, 12), 2, width=8, depth=2, bounds=bounds)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        ((model(image) - target) / target.std(0)).square().mean().backward()
        optimizer.step()
    error = (model(image) - target).square().mean(0).sqrt() / target.std(0)
    assert (error < 0.1).all()


@pytest.mark.parametrize(
    "bounds",
    [
        [1, 0],
        [0, 0],
        [0, 1, 2],
        [],
        [[0, 1]],
        [[0, 1], [2, 1]],
        [[0, 1], [0, 1], [0, 1]],
        [[0, 1], 1],
        [0, math.inf],
        [math.nan, 1],
        [[0, 1], ["a", "b"]],
    ],
    ids=str,
)
def test_bounds_that_are_none(bounds):
    text = (
        "bounds must be one pair [low, high] with low < high, or 2 of them, "
        f"one per output; got {bounds}"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        ConvRegressor((1, 8, 8), 2, bounds=bounds)


@pytest.mark.parametrize("name", ["width", "depth", "hidden"])
def test_options_outside_their_range(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1; got 0"):
        ConvRegressor((1, 8, 8), 2, **{name: 0})


def test_features_are_no_image():
    with pytest.raises(ValueError, match=r"ConvRegressor expects images .*; got \(30,\)"):
        ConvRegressor((30,), 2)
