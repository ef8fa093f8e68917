"""Generated images of a beam."""

import math

import pytest
import torch
from losslab.data import power_angle
from losslab.data.power_angle import ANGLE, POWER


def test_shapes_follow_the_spec():
    source = power_angle(samples=20, size=16)
    spec = source.spec
    assert (spec.input_shape, spec.target, spec.outputs, spec.dense) == (
        (1, 16, 16),
        "real",
        2,
        False,
    )
    assert spec.labels == ("power", "angle")
    batch = next(source.batches("train", 14))
    assert (batch["input"].shape, batch["target"].shape) == ((14, 1, 16, 16), (14, 2))
    assert batch["input"].dtype == batch["target"].dtype == torch.float32


def test_power_and_angle_fill_their_ranges():
    target = power_angle(samples=2000, size=8, val=0, test=0).splits["train"]["target"]
    for values, (low, high) in zip(target.T, (POWER, ANGLE), strict=True):
        assert low <= values.min() < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < values.max() <= high
    assert torch.corrcoef(target.T)[0, 1].abs() < 0.1
    assert ANGLE[1] < math.pi / 2


def test_the_image_tells_both():
    # The centre of mass of a beam from the centre lies at half of its length, in its direction.
    source = power_angle(samples=200, size=64, noise=0, val=0, test=0)
    image, (power, angle) = (
        source.splits["train"]["input"][:, 0],
        source.splits["train"]["target"].T,
    )
    place = (torch.arange(64) + 0.5) / 64 - 0.5
    light = image / image.sum((1, 2), keepdim=True)
    x, y = (light.sum(1) * place).sum(1), -(light.sum(2) * place).sum(1)
    assert (torch.atan2(y, x) - angle).abs().max() < 0.02
    assert (4 * torch.hypot(x, y) - power).abs().max() < 0.05


def test_a_standardised_target_goes_back_to_its_unit():
    plain, scaled = (power_angle(samples=60, size=8, standardise_target=s) for s in (False, True))
    assert plain.spec.offset == ()
    offset, scale = torch.tensor(scaled.spec.offset), torch.tensor(scaled.spec.scale)
    for part in ("train", "test"):
        back = scaled.splits[part]["target"] * scale + offset
        torch.testing.assert_close(back, plain.splits[part]["target"])
    torch.testing.assert_close(scaled.splits["train"]["target"].std(0, correction=0), torch.ones(2))


def test_the_seed_draws_the_images():
    options = {"samples": 12, "size": 8}
    assert power_angle(**options).summary == power_angle(**options).summary
    names = {power_angle(**options, seed=s).summary["fingerprint"] for s in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize("options", [{"samples": 0}, {"size": 4}, {"noise": -0.1}], ids=str)
def test_options_outside_their_range(options):
    with pytest.raises(
        ValueError, match="samples must be at least 1, size at least 8 and noise not"
    ):
        power_angle(**options)
