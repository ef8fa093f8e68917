"""The linear model."""

from torch import Tensor, nn

from .heads import Heads, HeadSizes


class Linear(nn.Linear):
    r"""A linear model: one affine map of all of a sample's numbers.

    $$z = Wx + b$$

    With `hinge` and `l2_norm` it is a support vector machine, with `bce` logistic regression, with
    `mse` least squares: models whose optimum an exact solver can confirm.

    Args:
        in_features: numbers in one sample, over all its axes.
        outputs: channels of the answer.
        bias: whether there is a constant $b$.
        heads: further outputs by name, with how many values each has per output, or a list of
            names. With any, the model gives names: `answer`, which takes the task's name, and they.

    Raises:
        ValueError: a head that can't be, see `Heads`.

    Example:
        >>> import torch
        >>> model = Linear(in_features=12, outputs=2)
        >>> model(torch.zeros(5, 3, 2, 2)).shape, [name for name, _ in model.named_parameters()]
        (torch.Size([5, 2]), ['weight', 'bias'])
    """

    def __init__(
        self,
        in_features: int,
        outputs: int,
        *,
        bias: bool = True,
        heads: HeadSizes | None = None,
    ) -> None:
        super().__init__(in_features, outputs, bias=bias)
        self.heads = Heads(heads, in_features, outputs) if heads else None

    def forward(  # type: ignore[override]  # nn.Linear gives a tensor only
        self, input: Tensor
    ) -> Tensor | dict[str, Tensor]:
        """$z$, `[batch, outputs]`, from `[batch, ...]`; with heads, names."""
        features = input.flatten(1)
        answer = super().forward(features)
        return answer if self.heads is None else self.heads.beside(answer, features)
