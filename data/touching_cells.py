"""Generated images of cells of two kinds that lie side by side, with narrow gaps between them."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .border import BorderWeight
from .border import border_weight as border_weights
from .build import summarise, tensor_source
from .source import TensorSource
from .spec import Spec
from .split import split_indices

_RADIUS = (0.09, 0.13)  # of a cell, as shares of the image's side
_GAP = 1.5  # a pixel whose two nearest cells are that much alike in distance lies between them
_BRIGHTNESS = (1.0, 1.4)  # of the two kinds, on average; the background is 0
_SPREAD = 0.15  # of the cells of one kind: no brightness tells the kinds apart for certain


def touching_cells(
    *,
    samples: int = 160,
    size: int = 64,
    cells: int = 14,
    noise: float = 0.25,
    border_weight: bool | Mapping[str, float] = False,
    seed: int = 0,
    val: float = 0.15,
    test: float = 0.3,
    split_seed: int = 0,
) -> TensorSource:
    """Touching cells: generated images of sick and healthy cells, a pixel or two apart.

    The classes are background, sick and healthy. Healthy cells are brighter on average, but many
    cells could be either. A gap is blurred, so that it is hardly darker than the cells beside it.

    >>> source = touching_cells(samples=20, size=32, border_weight=True)
    >>> batch = next(source.batches("train", 8))
    >>> batch["input"].shape, batch["target"].shape, batch["weight"].shape
    (torch.Size([8, 1, 32, 32]), torch.Size([8, 32, 32]), torch.Size([8, 32, 32]))

    Args:
        samples: number of images.
        size: height and width, in pixels.
        cells: places drawn for cells in each image; a place too near to another has none.
        noise: standard deviation of each pixel.
        border_weight: whether to add a `weight` for each pixel, which balances cells and background
            and is larger in narrow gaps, see `border_weight`; a mapping sets its `w0` and `sigma`.
        seed: draws the images.
        val: share of the validation split, in [0, 1).
        test: share of the test split, in [0, 1).
        split_seed: draws the split.

    Raises:
        ValueError: an option outside its range.
    """
    if samples < 1 or size < 16 or cells < 1 or noise < 0:
        raise ValueError(
            "samples and cells must be at least 1, size at least 16 and noise not negative; "
            f"got {samples}, {cells}, {size} and {noise}"
        )
    border = BorderWeight.of(border_weight, numbered=True)
    generator = torch.Generator().manual_seed(seed)
    instances = _places(samples, size, cells, generator)
    kind = torch.randint(1, 3, (samples, cells + 1), generator=generator)
    kind[:, 0] = 0
    shade = torch.tensor([0.0, *_BRIGHTNESS])[kind]
    shade += _SPREAD * torch.randn(kind.shape, generator=generator) * (kind > 0)
    image = _of_each_cell(shade, instances).unsqueeze(1)
    image = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    image = image + noise * torch.randn(image.shape, generator=generator)
    tensors = {"input": image, "target": _of_each_cell(kind, instances)}
    split = split_indices(samples, val=val, test=test, seed=split_seed)
    summary = summarise("touching_cells", split, *tensors.values())
    if border is not None:
        tensors["weight"] = border_weights(instances, w0=border.w0, sigma=border.sigma)
    spec = Spec((1, size, size), "classes", 3, dense=True, labels=("background", "sick", "healthy"))
    return tensor_source(spec, tensors, split, summary)


def _of_each_cell(values: Tensor, instances: Tensor) -> Tensor:
    """The value of each pixel's cell, from `[samples, cells + 1]`; `[samples, size, size]`."""
    return values.gather(1, instances.flatten(1)).reshape(instances.shape)


def _places(samples: int, size: int, cells: int, generator: Generator) -> Tensor:
    """Which cell each pixel belongs to, from 1 on, or 0 for none; `[samples, size, size]`.

    A cell is a disc around its place, cut where another place is as near, and a little before.
    """
    # Half of the cells lie beside one of the others, so that most touch.
    low, high = (size * share for share in _RADIUS)
    radius = low + (high - low) * torch.rand(samples, cells, 1, 1, generator=generator)
    place = size * torch.rand(samples, cells, 2, generator=generator)
    angle = 2 * torch.pi * torch.rand(samples, cells // 2, generator=generator)
    beside = 1.7 * high * torch.stack([angle.cos(), angle.sin()], 2)
    place[:, : cells // 2] = place[:, cells - cells // 2 :] + beside
    apart = torch.cdist(place, place)
    earlier = torch.ones(cells, cells).tril(-1).bool()
    crowded = ((apart < 1.3 * low) & earlier).any(2)
    axis = torch.arange(size) + 0.5
    x, y = place.unsqueeze(-1).unbind(2)
    across, down = (x - axis).square(), (y - axis).square()
    distance = (down.unsqueeze(3) + across.unsqueeze(2)).sqrt()  # [samples, cells, size, size]
    distance = distance.masked_fill(crowded[:, :, None, None], torch.inf)
    nearest, which = (distance - radius).topk(min(2, cells), dim=1, largest=False)
    inside = nearest[:, 0] < 0
    if cells > 1:
        inside &= nearest[:, 1] - nearest[:, 0] > _GAP
    return torch.where(inside, which[:, 0] + 1, 0)
