"""Generated images with a few small targets: far more background than foreground."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .border import BorderWeight
from .build import summarise, tensor_source
from .source import TensorSource
from .spec import Spec
from .split import split_indices

_MOST_BLOBS = 4
_LOBES = 0.3  # how far the edge leaves an ellipse, as a share of the radius
_STRETCH = 1.6  # ratio of the ellipse's axes, at most
_ELEMENTS = 2**22  # pixels of blob patches that are rendered at once


def small_targets(
    *,
    samples: int = 256,
    size: int = 128,
    share: float = 0.005,
    noise: float = 0.15,
    empty: float = 0.0,
    border_weight: bool | Mapping[str, float] = False,
    seed: int = 0,
    val: float = 0.15,
    test: float = 0.15,
    split_seed: int = 0,
) -> TensorSource:
    """Small targets: generated grey images whose few bright spots fill 0.5 % of the pixels.

    One to four spots per image, of any place, shape, area and contrast, on a background whose own
    brightness varies more than they stand out: no threshold finds them, a small U-Net does. A plain
    mean over pixels hardly sees the targets, which is what region losses are for.

    >>> source = small_targets(samples=20, size=32, share=0.02)
    >>> batch = next(source.batches("train", 8))
    >>> batch["input"].shape, batch["target"].shape, source.spec.dense
    (torch.Size([8, 1, 32, 32]), torch.Size([8, 1, 32, 32]), True)

    Args:
        samples: number of images.
        size: height and width, in pixels.
        share: share of pixels that belong to a target, on average over the images that have one, in
            (0, 0.5).
        noise: standard deviation of each pixel; a target stands out by 0.6 to 1.2.
        empty: share of images without any target, in [0, 1).
        border_weight: whether to add a `weight` for each pixel, which balances targets and
            background and is larger between two targets, see `border_weight`; a mapping sets its
            `w0` and `sigma`.
        seed: draws the images.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split.

    Raises:
        ValueError: an option outside its range, or a share of less than a pixel per image.
    """
    _check(samples, size, share, noise, empty)
    border = BorderWeight.of(border_weight, numbered=False)
    generator = torch.Generator().manual_seed(seed)
    light, mask = _spots(_draw(samples, size, share, empty, generator), samples, size)
    grain = torch.randn(samples, 1, size, size, generator=generator)
    image = _background(samples, size, generator) + light + noise * grain
    split = split_indices(samples, val=val, test=test, seed=split_seed)
    spec = Spec((1, size, size), "binary", 1, dense=True, labels=("background", "target"))
    summary = summarise("small_targets", split, image, mask)
    tensors = {"input": image, "target": mask}
    if border is not None:
        tensors["weight"] = torch.stack([border(target[0], target) for target in mask])
    return tensor_source(spec, tensors, split, summary)


def _check(samples: int, size: int, share: float, noise: float, empty: float) -> None:
    if samples < 1 or size < 8:
        raise ValueError(
            f"samples must be at least 1 and size at least 8; got {samples} and {size}"
        )
    if not 0 < share < 0.5:
        raise ValueError(f"share is a share of the pixels, in (0, 0.5); got {share}")
    if share * size**2 < 1:
        raise ValueError(
            f"share={share} of {size} × {size} pixels is less than one pixel: "
            f"raise share to at least {1 / size**2:.2g}, or size"
        )
    if noise < 0 or not 0 <= empty < 1:
        raise ValueError(f"noise must not be negative and empty in [0, 1); got {noise} and {empty}")


@dataclass(frozen=True)
class _Blobs:
    """Blobs of many images, one after the other; every field is `[blobs]`."""

    image: Tensor
    x: Tensor
    y: Tensor
    radius: Tensor
    stretch: Tensor
    angle: Tensor
    lobes: Tensor
    contrast: Tensor

    def patches(self, half: int) -> Iterator["_Blobs"]:
        """So many blobs at a time that patches of `half` pixels to each side fit in memory."""
        at_once = max(1, _ELEMENTS // (2 * half + 1) ** 2)
        fields = [getattr(self, name).split(at_once) for name in self.__dataclass_fields__]
        return (_Blobs(*parts) for parts in zip(*fields, strict=True))


def _draw(samples: int, size: int, share: float, empty: float, generator: Generator) -> _Blobs:
    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    # Each has four pixels or more, where the share allows it.
    most = max(1, min(_MOST_BLOBS, int(share * size**2 / 4)))
    number = torch.randint(1, most + 1, (samples,), generator=generator)
    weight = uniform(0.3, 1.0, samples, _MOST_BLOBS)
    exists = torch.arange(_MOST_BLOBS) < number.unsqueeze(1)
    exists[torch.randperm(samples, generator=generator)[: round(empty * samples)]] = False
    weight = weight * exists
    # m blobs at random places, each with the share a, overlap and cover 1 − (1 − a)^m together.
    covered = share * uniform(0.5, 1.5, samples)
    alone = number * (1 - (1 - covered) ** (1 / number))
    area = (weight / weight.sum(1, keepdim=True).clamp(min=1e-9) * alone.unsqueeze(1))[exists]
    count = len(area)
    lobes = uniform(-_LOBES, _LOBES, count)
    return _Blobs(
        image=exists.nonzero()[:, 0],
        x=uniform(0, size, count),
        y=uniform(0, size, count),
        radius=(area * size**2 / (torch.pi * (1 + lobes**2 / 2))).sqrt(),
        stretch=uniform(1 / _STRETCH, _STRETCH, count).sqrt(),
        angle=uniform(0, 2 * torch.pi, count),
        lobes=lobes,
        contrast=uniform(0.6, 1.2, count),
    )


def _spots(blobs: _Blobs, samples: int, size: int) -> tuple[Tensor, Tensor]:
    """Light and mask of the blobs, `[samples, 1, size, size]` each.

    Each blob is drawn in a patch around its centre, and patches go on at the opposite edge of the
    image, so that a blob's area does not depend on its place.
    """
    light, mask = torch.zeros(samples * size**2), torch.zeros(samples * size**2)
    longest = (1 + _LOBES) * _STRETCH**0.5
    half = int(blobs.radius.max() * longest) + 2 if len(blobs.radius) else 0
    steps = torch.arange(-half, half + 1)
    for part in blobs.patches(half):
        # [blobs, 1, 1] against [patch] and [patch, 1]: the pixels of each patch
        image, x, y, radius, stretch, angle, lobes, contrast = (
            getattr(part, name).reshape(-1, 1, 1) for name in part.__dataclass_fields__
        )
        column, row = x.round() + steps, y.round() + steps.unsqueeze(1)
        u = (column - x) * angle.cos() + (row - y) * angle.sin()
        v = (row - y) * angle.cos() - (column - x) * angle.sin()
        u, v = u / stretch, v * stretch
        distance = torch.hypot(u, v).clamp(min=1e-6)
        edge = radius * (1 + lobes * (u**3 - 3 * u * v**2) / distance**3)  # cos 3θ: three lobes
        inside = edge - distance
        pixel = ((image * size + row.long() % size) * size + column.long() % size).flatten()
        brightness = contrast * (inside + 0.5).clamp(0, 1)
        light.scatter_reduce_(0, pixel, brightness.flatten(), "amax")
        target = (inside > 0).float()
        target[:, half, half] = 1  # the smallest blob still has the pixel at its centre
        mask.scatter_reduce_(0, pixel, target.flatten(), "amax")
    shape = (samples, 1, size, size)
    return light.reshape(shape), mask.reshape(shape)


def _background(samples: int, size: int, generator: Generator) -> Tensor:
    """Clouds, whose brightness varies more than a target stands out, and a finer texture."""
    texture = torch.zeros(samples, 1, size, size)
    for cells, strength in ((5, 0.8), (max(5, size // 8), 0.15)):
        coarse = torch.randn(samples, 1, cells, cells, generator=generator)
        texture += strength * F.interpolate(coarse, (size, size), mode="bicubic")
    return texture
