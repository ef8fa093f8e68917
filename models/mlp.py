"""The multilayer perceptron."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from .checks import check_at_least, check_choice, check_share
from .heads import Heads, HeadSizes
from .maxout import Maxout

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
}


class MLP(nn.Module):
    """A multilayer perceptron: affine maps with an activation and dropout between them.

    The model for rows of features, and for small images as rows of pixels.

    Args:
        in_features: numbers in one sample, over all its axes.
        outputs: channels of the answer.
        width: units of every hidden layer, or a list with those of each.
        depth: number of hidden layers; 0 is the linear model.
        activation: relu, gelu, silu, tanh, sigmoid, leaky_relu, elu, or maxout; none leaves the
            layers linear.
        dropout: share of each hidden layer that is set to zero while training.
        pieces: affine maps of each maxout unit; other activations have none.
        bias: whether the affine maps, those of the heads aside, have a constant.
        heads: further outputs by name, with how many values each has per output, or a list of
            names. With any, the model gives names: `answer`, which takes the task's name, and they.

    Raises:
        ValueError: an unknown activation, an option outside its range, or a list of widths that is
            not as long as `depth`; or a head that can't be, see `Heads`.

    Example:
        >>> import torch
        >>> model = MLP(in_features=4, outputs=3, width=[16, 8], activation="tanh")
        >>> [type(layer).__name__ for layer in model.layers]
        ['Linear', 'Tanh', 'Linear', 'Tanh', 'Linear']
        >>> model(torch.zeros(5, 1, 2, 2)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        in_features: int,
        outputs: int,
        *,
        width: int | Sequence[int] = 64,
        depth: int = 2,
        activation: str = "relu",
        dropout: float = 0.0,
        pieces: int = 2,
        bias: bool = True,
        heads: HeadSizes | None = None,
    ) -> None:
        super().__init__()
        check_choice("activation", activation, (*_ACTIVATIONS, "maxout", "none"))
        check_share("dropout", dropout)
        layers: list[nn.Module] = []
        for units in _widths(width, depth):
            if activation == "maxout":
                layers.append(Maxout(in_features, units, pieces, bias=bias))
            else:
                layers.append(nn.Linear(in_features, units, bias=bias))
                if activation != "none":
                    layers.append(_ACTIVATIONS[activation]())
            if dropout > 0:
                layers.append(nn.Dropout(dropout))
            in_features = units
        self.layers = nn.ModuleList([*layers, nn.Linear(in_features, outputs, bias=bias)])
        self.heads = Heads(heads, in_features, outputs) if heads else None

    def forward(self, input: Tensor) -> Tensor | dict[str, Tensor]:
        """The answer, `[batch, outputs]`, from `[batch, ...]`; with heads, names."""
        answer = features = input.flatten(1)
        for layer in self.layers:
            features, answer = answer, layer(answer)
        return answer if self.heads is None else self.heads.beside(answer, features)


def _widths(width: int | Sequence[int], depth: int) -> list[int]:
    """The units of each hidden layer."""
    check_at_least("depth", depth, 0)
    widths = [width] * depth if isinstance(width, int) else list(width)
    if len(widths) != depth:
        raise ValueError(
            f"width lists {len(widths)} layers, {widths}, and depth is {depth}: "
            f"set depth={len(widths)}, or one width for all layers"
        )
    for units in widths:
        check_at_least("width", units, 1)
    return widths
