"""The U-Net: an image in, a map of the same size out."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["group", "batch", "none"]


class UNet(nn.Module):
    """Contracts the image level by level, expands it again, and joins the two at every level.

    Sides need not divide by 2^depth: an odd side is pooled with its last row kept, and the map that
    comes back up is resized to the map that it joins.

    Ronneberger, Fischer & Brox 2015, U-Net: Convolutional Networks for Biomedical Image
    Segmentation; here with padding, normalisation, and nearest-neighbour upsampling.

        >>> UNet(1, 2, width=4, depth=2)(torch.zeros(3, 1, 33, 50)).shape
        torch.Size([3, 2, 33, 50])

    Args:
        in_channels: channels of the image.
        outputs: channels of the map.
        width: channels of the first level; each level below has twice as many.
        depth: how often the image is halved.
        norm: `group` (does not depend on the batch), `batch`, or `none`.
        dropout: share of channels dropped after each block, in training.

    Raises:
        ValueError: a size below 1, an unknown norm, or an input that is no batch of images.
    """

    def __init__(
        self,
        in_channels: int,
        outputs: int,
        *,
        width: int = 8,
        depth: int = 3,
        norm: Norm = "group",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if min(in_channels, outputs, width) < 1 or depth < 0:
            raise ValueError(f"width must be at least 1 and depth at least 0; got {width}, {depth}")
        if norm not in ("group", "batch", "none"):
            raise ValueError(f"norm must be group, batch or none; got {norm}")
        self.in_channels = in_channels
        channels = [width * 2**level for level in range(depth + 1)]
        pairs = list(zip(channels[:-1], channels[1:], strict=True))
        self.stem = _block(in_channels, width, norm, dropout)
        self.down = nn.ModuleList(_block(above, below, norm, dropout) for above, below in pairs)
        self.reduce = nn.ModuleList(nn.Conv2d(below, above, 1) for above, below in pairs[::-1])
        self.up = nn.ModuleList(_block(2 * above, above, norm, dropout) for above, _ in pairs[::-1])
        self.head = nn.Conv2d(width, outputs, 1)

    def forward(self, input: Tensor) -> Tensor:
        """`[batch, in_channels, height, width]` to `[batch, outputs, height, width]`."""
        if input.ndim != 4 or input.shape[1] != self.in_channels:
            raise ValueError(
                f"expected images [batch, {self.in_channels}, height, width], "
                f"got {list(input.shape)}"
            )
        maps = [self.stem(input)]
        for block in self.down:
            maps.append(block(F.max_pool2d(maps[-1], 2, ceil_mode=True)))
        x = maps.pop()
        for reduce, block in zip(self.reduce, self.up, strict=True):
            skip = maps.pop()
            # Channels are reduced before the map grows: a quarter of the work, the same result.
            x = F.interpolate(reduce(x), size=skip.shape[2:])
            x = block(torch.cat([skip, x], 1))
        return self.head(x)  # type: ignore[no-any-return]


def _block(inputs: int, outputs: int, norm: Norm, dropout: float) -> nn.Sequential:
    """Twice a 3×3 convolution, normalised and rectified."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv2d(channels, outputs, 3, padding=1, bias=norm == "none"))
        if norm == "batch":
            layers.append(nn.BatchNorm2d(outputs))
        elif norm == "group":
            layers.append(nn.GroupNorm(_groups(outputs), outputs))
        layers.append(nn.ReLU(inplace=True))
    if dropout:
        layers.append(nn.Dropout2d(dropout))
    return nn.Sequential(*layers)


def _groups(channels: int) -> int:
    """The largest number of groups up to 8 that divides the channels, with 4 or more in each."""
    return max(g for g in range(1, 9) if channels % g == 0 and (g == 1 or channels // g >= 4))
