"""The maxout activation."""

from torch import Tensor, nn

from .checks import check_at_least


class Maxout(nn.Module):
    r"""A layer of units that learn their own activation: the largest of several affine maps.

    $$h_i = \max_{j} \left(W_{ij} x + b_{ij}\right)$$

    Only the piece that wins gets a gradient, as if the unit were that affine map alone; of pieces
    that are equal, one wins. With the pieces $w x$ and $0$ a unit is a ReLU, with $w x$ and $-w x$
    the absolute value.

    Args:
        in_features: numbers that go in.
        out_features: units $i$.
        pieces: affine maps $j$ of each unit, at least 2.
        bias: whether they have a constant $b_{ij}$.

    Raises:
        ValueError: fewer than 2 pieces.

    Example:
        >>> import torch
        >>> layer = Maxout(in_features=1, out_features=1, pieces=2)
        >>> with torch.no_grad():
        ...     _ = layer.affine.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        ...     _ = layer.affine.bias.zero_()
        >>> layer(torch.tensor([[-3.0], [2.0]])).tolist()
        [[3.0], [2.0]]

    References:
        Goodfellow et al. 2013, Maxout Networks, section 3.
    """

    def __init__(
        self, in_features: int, out_features: int, pieces: int = 2, *, bias: bool = True
    ) -> None:
        super().__init__()
        check_at_least("pieces", pieces, 2)
        self.units = (out_features, pieces)
        self.affine = nn.Linear(in_features, out_features * pieces, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """$h$, `[..., out_features]`, from `[..., in_features]`."""
        # `amax` would share the gradient among equal pieces; `max` gives it to one.
        pieces: Tensor = self.affine(input).unflatten(-1, self.units)
        return pieces.max(-1).values
