"""A chain of convolutions on a ring: what a place is depends on its neighbours only."""

import torch.nn.functional as F
from torch import Tensor, nn

from .checks import check_at_least


class ConvChain(nn.Module):
    r"""A chain of two convolutions on a ring: gives a coarse ring back its resolution.

    Every value of the ring is repeated until there are `outputs` of them. Then come a convolution
    that looks to the right, ReLU, and a convolution that looks to the left, both past the end of
    the ring to its beginning; so each answer sees `kernel − 1` places on either side. There is no
    other layer, so rings of any length may follow the training, and a ring turned by a whole number
    of coarse values has an answer that is turned alike. The logits are what a sigmoid makes
    probabilities of. All weights start positive and the first bias at 0: with so few, the
    ReLU would else often begin where it is 0 for every input, and stay there.

    Args:
        in_features: values of the coarse ring.
        outputs: values of the fine one; a multiple of `in_features`.
        filters: of the first convolution.
        kernel: width of both, in fine places.

    Raises:
        ValueError: an option below 1, or outputs that the input does not divide.

    Example:
        >>> import torch
        >>> model = ConvChain(in_features=16, outputs=32)
        >>> sum(p.numel() for p in model.parameters())
        6
        >>> model(torch.ones(5, 16)).shape, model(torch.ones(5, 50)).shape
        (torch.Size([5, 32]), torch.Size([5, 100]))

    References:
        Efthymiou, Beach & Melko 2019, Super-resolving the Ising model with convolutional neural
        networks.
    """

    def __init__(
        self, in_features: int, outputs: int, *, filters: int = 1, kernel: int = 2
    ) -> None:
        super().__init__()
        check_at_least("filters", filters, 1)
        check_at_least("kernel", kernel, 1)
        if outputs % in_features:
            raise ValueError(
                f"ConvChain makes a ring finer by a whole factor; got {in_features} values in and "
                f"{outputs} out"
            )
        self.factor = outputs // in_features
        self.reach = kernel - 1
        self.first = nn.Conv1d(1, filters, kernel)
        self.second = nn.Conv1d(filters, 1, kernel)
        for layer in (self.first, self.second):
            nn.init.uniform_(layer.weight, 0, (layer.in_channels * kernel) ** -0.5)
        assert self.first.bias is not None
        nn.init.zeros_(self.first.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Logits `[batch, factor * places]` of a ring `[batch, places]`."""
        fine = input.repeat_interleave(self.factor, 1).unsqueeze(1)
        hidden = self.first(F.pad(fine, (0, self.reach), mode="circular")).relu()
        logits: Tensor = self.second(F.pad(hidden, (self.reach, 0), mode="circular"))
        return logits.squeeze(1)
