"""The U-Net: an answer for every pixel."""

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checks import check_at_least, check_choice, check_share

Norm = Literal["group", "batch", "none"]


class UNet(nn.Module):
    r"""A U-Net: an answer for every pixel, from an encoder and a decoder joined at every size.

    The encoder halves the image to see what is there; the decoder doubles it back, and the
    encoder's maps of the same size tell it where exactly. Level $i$ of $0 … d$ has
    $2^i$ `width` channels at $2^{-i}$ of the image's sides, rounded up, so sides need not divide by
    $2^d$. Each level down is one 3 × 3 convolution, and so is each level up, on the encoder's map
    beside the enlarged map from below.

    It is the original made small for targets of a few pixels and a processor without accelerator:
    one convolution where the original has two, a narrow first level, normalisation, and padding
    that keeps the image's size. The original has `width=64` and `depth=4`.

    Args:
        in_channels: channels of the image.
        outputs: channels of the answer.
        width: channels of the first level.
        depth: $d$, how often the image is halved.
        norm: `group` normalises each sample, `batch` over the batch, `none` not at all. `batch`
            differs between training and evaluation, and needs large batches.
        dropout: share of the deepest map that is set to zero while training.
        output_bias: the answer's bias before training. A classifier of rare pixels starts at their
            share $\pi$ with $\log\frac{\pi}{1-\pi}$, −5 for 0.7 %, and elementwise losses such as
            BCE then need not first find out that there is almost nothing.

    Raises:
        ValueError: an option outside its range; when called, an input that is no batch of images.

    Example:
        >>> model = UNet(in_channels=1, outputs=2, depth=2)
        >>> model(torch.zeros(5, 1, 17, 30)).shape
        torch.Size([5, 2, 17, 30])

    References:
        Ronneberger, Fischer & Brox 2015, U-Net: Convolutional Networks for Biomedical Image
        Segmentation, figure 1. Group normalisation: Wu & He 2018. Output bias: Lin et al. 2017,
        Focal Loss for Dense Object Detection, section 3.3.
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
        output_bias: float = 0.0,
    ) -> None:
        super().__init__()
        check_at_least("width", width, 1)
        check_at_least("depth", depth, 1)
        check_choice("norm", norm, ("group", "batch", "none"))
        check_share("dropout", dropout)
        channels = [width * 2**level for level in range(depth + 1)]
        down = [_block(a, b, norm) for a, b in pairwise([in_channels, *channels])]
        if dropout > 0:
            down[-1].append(nn.Dropout(dropout))
        self.down = nn.ModuleList(down)
        levels_up = list(pairwise(reversed(channels)))
        self.narrow = nn.ModuleList(nn.Conv2d(deep, c, 1) for deep, c in levels_up)
        self.up = nn.ModuleList(_block(2 * c, c, norm) for _, c in levels_up)
        # 3 × 3 where the original has 1 × 1: with few channels the answer would else move slowly.
        self.head = nn.Conv2d(width, outputs, 3, padding=1)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, output_bias)

    def forward(self, input: Tensor) -> Tensor:
        """The answer, `[batch, outputs, *spatial]`, from `[batch, in_channels, *spatial]`."""
        if input.ndim != 4:
            raise ValueError(
                f"UNet expects images [batch, channels, height, width]; got {tuple(input.shape)}"
            )
        features, skips = input, []
        for level, block in enumerate(self.down):
            if level > 0:
                skips.append(features)
                features = F.max_pool2d(features, 2, ceil_mode=True)
            features = block(features)
        for narrow, block in zip(self.narrow, self.up, strict=True):
            skip = skips.pop()
            enlarged = F.interpolate(narrow(features), size=skip.shape[2:])
            features = block(torch.cat([skip, enlarged], 1))
        answer: Tensor = self.head(features)
        return answer


def _block(in_channels: int, channels: int, norm: Norm) -> nn.Sequential:
    """3 × 3 convolution, normalisation, ReLU; the convolution's bias would be normalised away."""
    layers: list[nn.Module] = [nn.Conv2d(in_channels, channels, 3, padding=1, bias=norm == "none")]
    if norm == "group":
        layers.append(nn.GroupNorm(_groups(channels), channels))
    elif norm == "batch":
        layers.append(nn.BatchNorm2d(channels))
    return nn.Sequential(*layers, nn.ReLU())


def _groups(channels: int) -> int:
    """At most eight, of four channels or more: one channel of one pixel would always become 0.

    >>> [_groups(channels) for channels in (1, 6, 8, 24, 128)]
    [1, 1, 2, 6, 8]
    """
    fitting = (g for g in range(8, 1, -1) if channels % g == 0 and channels // g >= 4)
    return next(fitting, 1)
