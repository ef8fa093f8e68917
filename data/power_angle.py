"""Generated images of a beam: how strong it is, and where it points."""

import math

import torch
from torch import Tensor

from .build import summarise, tensor_source
from .source import TensorSource
from .split import split_indices
from .targets import Target

POWER = (0.2, 1.0)
ANGLE = (-0.45 * math.pi, 0.45 * math.pi)


def power_angle(
    *,
    samples: int = 1024,
    size: int = 64,
    noise: float = 0.1,
    seed: int = 0,
    val: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
    standardise_target: bool = False,
) -> TensorSource:
    """Power and angle: generated grey images of a beam from the centre, to be measured.

    Power is uniform in [0.2, 1] and sets the beam's length, from a tenth to a half of the image's
    width; the angle is uniform in ±0.45π radians from the right-hand side, counter-clockwise, so it
    never wraps around. Width and brightness of the beam vary and tell nothing.

    >>> source = power_angle(samples=20, size=32)
    >>> batch = next(source.batches("train", 8))
    >>> batch["input"].shape, batch["target"].shape, source.spec.labels
    (torch.Size([8, 1, 32, 32]), torch.Size([8, 2]), ('power', 'angle'))

    Args:
        samples: number of images.
        size: height and width, in pixels.
        noise: standard deviation of each pixel; the beam's brightness is 0.7 to 1.
        seed: draws the images.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split.
        standardise_target: give power and angle one spread, mean 0 and deviation 1 in the train
            split; the spec keeps offset and scale, so that metrics are told in the original unit.

    Raises:
        ValueError: an option outside its range.
    """
    if samples < 1 or size < 8 or noise < 0:
        raise ValueError(
            "samples must be at least 1, size at least 8 and noise not negative; "
            f"got {samples}, {size} and {noise}"
        )
    generator = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(samples, 1, 1, generator=generator)

    power, angle = uniform(*POWER), uniform(*ANGLE)
    beam = _beam(size, power, angle, width=uniform(0.02, 0.04)) * uniform(0.7, 1.0)
    image = (beam + noise * torch.randn(beam.shape, generator=generator)).unsqueeze(1)
    split = split_indices(samples, val=val, test=test, seed=split_seed)
    answer = Target(torch.stack([power, angle], 1).flatten(1), "real", ("power", "angle"))
    summary = summarise("power_angle", split, image, answer.values)
    if standardise_target:
        answer = answer.standardised(split["train"])
    tensors = {"input": image, "target": answer.tensor}
    return tensor_source(answer.spec((1, size, size)), tensors, split, summary)


def _beam(size: int, power: Tensor, angle: Tensor, width: Tensor) -> Tensor:
    """Beams of brightness 1, `[samples, size, size]`; lengths and widths in units of the image."""
    place = (torch.arange(size) + 0.5) / size - 0.5
    x, y = place, -place.unsqueeze(1)  # rows run downwards
    along = x * angle.cos() + y * angle.sin()
    across = y * angle.cos() - x * angle.sin()
    soft = 1.0 / size  # ends are as sharp as a pixel
    ends = torch.sigmoid(along / soft) * torch.sigmoid((power / 2 - along) / soft)
    return ends * torch.exp(-0.5 * (across / width) ** 2)
