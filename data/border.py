"""Weight maps for cells that nearly touch: the narrow gaps between them count more."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

_REACH = 6  # in sigmas; beyond, the border term is below w0 · exp(−18), and is 0


def border_weight(instances: Tensor, *, w0: float = 10.0, sigma: float = 5.0) -> Tensor:
    r"""The U-Net's pixel weights: classes in balance, and more weight where two cells are close.

    $$w = w_c + w_0 \exp\!\left(-\frac{(d_1 + d_2)^2}{2\sigma^2}\right)$$

    for a pixel of the background whose nearest cell is $d_1$ pixels away and whose second nearest
    $d_2$. Pixels of cells have $w_c$ alone, and so has an image with fewer than two cells. The
    balance is $w_c = n / (2 n_c)$ for the $n_c$ of $n$ pixels of an image that are of its class,
    cell or background: its mean over the image is 1. An image of one class has $w_c = 1$.

    >>> row = torch.tensor([[1, 1, 0, 0, 2, 2, 0, 0]])
    >>> border_weight(row, w0=1.0, sigma=2.0)
    tensor([[1.0000, 1.0000, 1.3247, 1.3247, 1.0000, 1.0000, 1.0111, 1.0003]])

    Args:
        instances: whole numbers, `[height, width]` or `[batch, height, width]`: 0 is background,
            every other number one cell.
        w0: $w_0 \ge 0$, what a gap of no width adds.
        sigma: $\sigma > 0$, how wide a gap still counts, in pixels.

    Returns:
        $w$, float32, shaped like `instances`.

    Raises:
        ValueError: another shape or type, or an option outside its range.

    References:
        Ronneberger et al. 2015, U-Net, eq. 2.
    """
    _check(w0, sigma)
    if instances.ndim not in (2, 3) or instances.is_floating_point() or instances.is_complex():
        raise ValueError(
            "instances are whole numbers [height, width] or [batch, height, width]; got "
            f"{instances.dtype} of shape {tuple(instances.shape)}"
        )
    images = instances.cpu().reshape(-1, *instances.shape[-2:]).numpy()
    weights = np.empty(images.shape, np.float32)
    for image, weight in zip(images, weights, strict=True):
        weight[:] = _balance(image != 0)
        weight += np.where(image == 0, w0 * _closeness(image, sigma), 0)
    return torch.from_numpy(weights).reshape(instances.shape).to(instances.device)


@dataclass(frozen=True)
class BorderWeight:
    """How the masks of a data set become weight maps.

    Args:
        w0: see `border_weight`.
        sigma: see `border_weight`.
        numbered: whether the masks number their cells; else a cell is a connected patch of target.
    """

    w0: float = 10.0
    sigma: float = 5.0
    numbered: bool = False

    def __post_init__(self) -> None:
        _check(self.w0, self.sigma)

    def __call__(self, mask: Tensor, target: Tensor) -> Tensor:
        """From a mask `[height, width]` and its target `[1, height, width]`; shaped like that."""
        cells = mask * (target[0] > 0) if self.numbered else connected(target[0] > 0)
        return border_weight(cells, w0=self.w0, sigma=self.sigma).unsqueeze(0)

    @staticmethod
    def of(option: bool | Mapping[str, Any], *, numbered: bool) -> "BorderWeight | None":
        """From the data's option: true, false, or a mapping of w0 and sigma.

        Raises:
            ValueError: anything else.
        """
        if isinstance(option, bool):
            return BorderWeight(numbered=numbered) if option else None
        if not isinstance(option, Mapping) or not {*option} <= {"w0", "sigma"}:
            raise ValueError(f"border_weight is true, false, or {{w0: 10, sigma: 5}}; got {option}")
        return BorderWeight(**option, numbered=numbered)


def connected(mask: Tensor) -> Tensor:
    """Numbers the patches of a mask `[height, width]` whose pixels share an edge, from 1 on."""
    from scipy import ndimage

    patches, _ = ndimage.label(mask.numpy())
    return torch.from_numpy(patches)


def _check(w0: float, sigma: float) -> None:
    for name, value, fits in (("w0", w0, "at least 0"), ("sigma", sigma, "positive")):
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise ValueError(f"border_weight.{name} must be a number, {fits}; got {value}")
    if sigma == 0:
        raise ValueError("border_weight.sigma must be a number, positive; got 0")


def _balance(cell: Any) -> Any:
    """Half of the weight to the cells' pixels, half to the others."""
    count, total = int(cell.sum()), cell.size
    if count in (0, total):
        return 1.0
    return np.where(cell, total / (2 * count), total / (2 * (total - count)))


def _closeness(image: Any, sigma: float) -> Any:
    """exp(−(d1 + d2)² / 2σ²); each cell is looked at within its reach."""
    from scipy import ndimage

    _, numbers = np.unique(image, return_inverse=True)  # negative or large ones too
    numbers = numbers.reshape(image.shape)
    if (image != 0).all():
        return 0.0
    background = int(numbers[image == 0][0])
    margin = math.ceil(_REACH * sigma)
    first = np.full(image.shape, np.inf)
    second = first.copy()
    for number, box in enumerate(ndimage.find_objects(numbers + 1)):
        if number == background or box is None:
            continue
        patch = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in box)
        distance = ndimage.distance_transform_edt(numbers[patch] != number)
        second[patch] = np.minimum(second[patch], np.maximum(first[patch], distance))
        first[patch] = np.minimum(first[patch], distance)
    return np.exp(-((first + second) ** 2) / (2 * sigma**2))
