"""One look at every image before training: what is wrong, mask numbers, statistics."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from .decode import read_header
from .messages import did_you_mean, listed
from .spec import TargetKind
from .standardise import Scaling
from .streaming import MaskCode, Samples

_MOST_CLASSES = 200

Shape = tuple[int, int, int]
MaskKind = TargetKind | Literal["instances"]


@dataclass(frozen=True)
class Survey:
    """What a pass over all samples found.

    Args:
        scaling: mean and deviation of each channel over the train split's pixels.
        mask_values: the distinct numbers in all masks, sorted; empty if there are none.
        digest: of the contents of all files.
        images: all images, `[samples, channels, height, width]`, if they were to be kept.
        masks: all masks, `[samples, height, width]`, if they were to be kept.
    """

    scaling: Scaling
    mask_values: Tensor
    digest: bytes
    images: Tensor | None
    masks: Tensor | None


def survey(samples: Samples, order: Tensor, train: int, *, keep: bool, workers: int) -> Survey:
    """Decode every sample once.

    Args:
        samples: what is on disk.
        order: the samples in the order to keep them in.
        train: how many of them, from the first, are the train split.
        keep: whether to keep what was decoded.
        workers: threads that decode.

    Raises:
        ValueError: files that can't be used; the text names them.
    """
    count, (channels, height, width) = len(samples), samples.shape
    images = torch.empty(count if keep else 0, channels, height, width)
    dense = samples.masks is not None
    masks = torch.empty(count if keep and dense else 0, height, width, dtype=torch.int32)
    sums = torch.zeros(train, 2, channels, dtype=torch.float64)
    digests, values, problems = [b""] * count, [torch.empty(0, dtype=torch.int32)] * count, []

    def look(place: int) -> None:
        index = int(order[place])
        try:
            contents = samples.load(index)
            digests[index] = hashlib.sha256(b"".join(contents)).digest()
            image, mask = samples.decode(index, *contents)
        except ValueError as error:
            problems.append((index, str(error)))
            return
        if keep:
            images[place] = image
        if place < train:
            pixels = image.double().flatten(1)
            sums[place] = torch.stack([pixels.sum(1), (pixels**2).sum(1)])
        if mask is not None:
            values[index] = torch.unique(mask)
            if keep:
                masks[place] = mask

    with ThreadPoolExecutor(max(1, workers)) as threads:
        list(threads.map(look, range(count)))
    _raise_all([text for _, text in sorted(problems)], count)
    mean, square = sums.sum(0) / (train * height * width)
    scaling = Scaling.of_moments(mean, square - mean**2)
    channelwise = Scaling(*(part.reshape(-1, 1, 1) for part in (scaling.offset, scaling.scale)))
    return Survey(
        channelwise,
        torch.unique(torch.cat(values)),
        b"".join(digests),
        images if keep else None,
        masks if keep and dense else None,
    )


def common_shape(
    images: Sequence[Path],
    masks: Sequence[Path] | None,
    size: tuple[int, int] | None,
    channels: int | None,
) -> Shape:
    """The shape that all images have, or are brought to.

    Args:
        images: the image files.
        masks: the mask file of each, of the same size as the image.
        size: height and width to resize to; None requires one size.
        channels: None is 3 if any image has colours, else that of the images.

    Raises:
        ValueError: unreadable files, a mask of another size than its image, several sizes.
    """
    headers = _headers(images)
    if masks is not None:
        wrong = [
            f"{image.name} {_by(h)} and {mask.name} {_by(m)}"
            for image, mask, h, m in zip(images, masks, headers, _headers(masks), strict=True)
            if h[1:] != m[1:]
        ]
        if wrong:
            raise ValueError(
                f"{len(wrong):,} masks have another size than their image: {listed(wrong)}"
            )
    sizes: dict[tuple[int, int], str] = {}
    for path, header in zip(images, headers, strict=True):
        sizes.setdefault(header[1:], f"{path.name} {_by(header)}")
    if size is None and len(sizes) > 1:
        raise ValueError(
            f"images of {len(sizes):,} sizes: {listed(sizes.values())}. "
            "Bring them to one: data.size=[height,width]"
        )
    found = {header[0] for header in headers}
    if channels is None and len(found) > 1 and not found <= {1, 3}:
        raise ValueError(f"images of {listed(sorted(found))} channels; expected one number for all")
    return (channels or max(found), *(size or headers[0][1:]))


def mask_code(values: Tensor, kind: MaskKind | None) -> MaskCode:
    """What the numbers in all masks mean: two are binary, more are classes in their sorted order.

    Args:
        values: the distinct numbers, sorted.
        kind: says it instead; `binary` splits more than two numbers at half of the largest,
            `instances` at the smallest, since the others number the objects.

    Raises:
        ValueError: one number only, a kind that masks can't have, too many numbers for classes.
    """
    kinds = ("binary", "classes", "instances")
    if kind is not None and kind not in kinds:
        raise ValueError(
            f"kind={kind} does not fit masks: choose {', '.join(kinds)}, or null to infer it."
            f"{did_you_mean(kind, kinds)}"
        )
    if len(values) < 2:
        raise ValueError(
            f"all masks hold one number only, {values.item()}: there is nothing to learn"
        )
    if kind == "instances":
        return MaskCode("binary", values, float(values[0]))
    if kind == "binary" or (kind is None and len(values) == 2):
        threshold = values[0] if len(values) == 2 else values[-1] / 2
        return MaskCode("binary", values, float(threshold))
    if len(values) > _MOST_CLASSES:
        raise ValueError(
            f"masks hold {len(values):,} different numbers, too many for classes (at most "
            f"{_MOST_CLASSES}): say data.kind=binary to split them at half of the largest, or save "
            "one number per class"
        )
    return MaskCode("classes", values, 0.0)


def _headers(paths: Sequence[Path]) -> list[Shape]:
    headers, problems = [], []
    for path in paths:
        try:
            headers.append(read_header(path))
        except ValueError as error:
            problems.append(f"{path}: {error}")
    _raise_all(problems, len(paths))
    return headers


def _raise_all(problems: Sequence[str], count: int) -> None:
    if problems:
        raise ValueError(
            f"{len(problems):,} of {count:,} files can't be used: " + "; ".join(problems[:5])
        )


def _by(header: Shape) -> str:
    return f"{header[1]} × {header[2]}"
