"""A convolutional regressor: from an image to a few numbers."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeGuard

import torch
from torch import Tensor, nn

from .checks import check_at_least, check_image
from .heads import Heads, HeadSizes

_GRID = 8  # cells per side that the head sees, at most

Bounds = Sequence[float] | Sequence[Sequence[float]]


class ConvRegressor(nn.Module):
    r"""A convolutional regressor: a few numbers from an image, within bounds if you like.

    Convolutions halve the image, then a head reads the numbers off what is left: a grid of at most
    8 × 8 cells, not their average, so where something is, and at what angle, is in the answer's
    reach. Nothing is normalised either, so brightness is too.

    Unbounded, the answer is the head's output $z$. With bounds it is a scaled tanh, which never
    leaves $[l, h]$ and whose gradient fades near both ends:

    $$\hat y = \frac{l + h}{2} + \frac{h - l}{2} \tanh z$$

    Args:
        input_shape: of one image, (channels, height, width).
        outputs: numbers in the answer.
        width: channels after the first convolution; each further one doubles them.
        depth: number of convolutions, each of which halves the sides.
        hidden: units of the head's hidden layer.
        bounds: one pair $[l, h]$ for all outputs, or a list with the pair of each. They are in the
            unit of the target as the model sees it: of the standardised target where the data
            standardises it.
        heads: further outputs by name, with how many values each has per output, or a list of
            names. With any, the model gives names: `answer`, which takes the task's name, and they.
            The bounds are the answer's alone.

    Raises:
        ValueError: an input that is no image, an option outside its range, or bounds that are not
            pairs low < high, as many as outputs; or a head that can't be, see `Heads`.

    Example:
        >>> model = ConvRegressor(input_shape=(1, 32, 32), outputs=2, bounds=[[0, 1], [-1.6, 1.6]])
        >>> prediction = model(torch.randn(5, 1, 32, 32))
        >>> prediction.shape, bool((prediction[:, 0] >= 0).all())
        (torch.Size([5, 2]), True)
    """

    low: Tensor | None
    high: Tensor | None

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        *,
        width: int = 16,
        depth: int = 3,
        hidden: int = 64,
        bounds: Bounds | None = None,
        heads: HeadSizes | None = None,
    ) -> None:
        super().__init__()
        check_image("ConvRegressor", input_shape)
        for name, value in (("width", width), ("depth", depth), ("hidden", hidden)):
            check_at_least(name, value, 1)
        low, high = (None, None) if bounds is None else _limits(bounds, outputs)
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("high", high, persistent=False)
        in_channels, *sides = input_shape
        channels = [in_channels, *(width * 2**level for level in range(depth))]
        self.convolutions = nn.Sequential()
        for a, b in pairwise(channels):
            self.convolutions.extend([nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ReLU()])
            sides = [(side + 1) // 2 for side in sides]
        if max(sides) > _GRID:
            sides = [min(side, _GRID) for side in sides]
            self.convolutions.append(nn.AdaptiveAvgPool2d(tuple(sides)))
        cells = sides[0] * sides[1]
        self.head = nn.Sequential(
            nn.Linear(channels[-1] * cells, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
        )
        self.heads = Heads(heads, hidden, outputs) if heads else None

    def forward(self, input: Tensor) -> Tensor | dict[str, Tensor]:
        """The answer, `[batch, outputs]`, from `[batch, channels, height, width]`; or names."""
        answer = features = self.convolutions(input).flatten(1)
        for layer in self.head:
            features, answer = answer, layer(answer)
        answer = self._within_bounds(answer)
        return answer if self.heads is None else self.heads.beside(answer, features)

    def _within_bounds(self, z: Tensor) -> Tensor:
        if self.low is None or self.high is None:
            return z
        # (1 + tanh z) / 2 = sigmoid(2z); lerp meets both ends exactly, mid ± half · tanh z may not.
        return torch.lerp(self.low, self.high, torch.sigmoid(2 * z).to(self.low.dtype))


def _limits(bounds: Bounds, outputs: int) -> tuple[Tensor, Tensor]:
    """The lower and the upper bound of each output, `[outputs]` each."""
    one_for_all = not any(isinstance(pair, Sequence) for pair in bounds)
    pairs = [bounds] * outputs if one_for_all else list(bounds)
    valid = [pair for pair in pairs if _is_pair(pair)]
    if len(valid) < len(pairs) or len(pairs) != outputs:
        raise ValueError(
            f"bounds must be one pair [low, high] with low < high, or {outputs} of them, "
            f"one per output; got {bounds}"
        )
    low, high = (torch.tensor([float(pair[end]) for pair in valid]) for end in (0, 1))
    return low, high


def _is_pair(pair: object) -> TypeGuard[Sequence[float]]:
    """Whether it is two finite numbers, the smaller first."""
    if not isinstance(pair, Sequence) or len(pair) != 2:
        return False
    low, high = pair
    numbers = isinstance(low, int | float) and isinstance(high, int | float)
    return numbers and -math.inf < low < high < math.inf
