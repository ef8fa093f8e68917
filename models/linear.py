"""The linear model."""

from torch import Tensor, nn


class Linear(nn.Linear):
    r"""A linear model: one affine map of all of a sample's numbers.

    $$z = Wx + b$$

    With `hinge` and `l2_norm` it is a support vector machine, with `bce` logistic regression, with
    `mse` least squares: models whose optimum an exact solver can confirm.

    Args:
        in_features: numbers in one sample, over all its axes.
        outputs: channels of the answer.

    Example:
        >>> import torch
        >>> model = Linear(in_features=12, outputs=2)
        >>> model(torch.zeros(5, 3, 2, 2)).shape, [name for name, _ in model.named_parameters()]
        (torch.Size([5, 2]), ['weight', 'bias'])
    """

    def __init__(self, in_features: int, outputs: int) -> None:
        super().__init__(in_features, outputs)

    def forward(self, input: Tensor) -> Tensor:
        """$z$, `[batch, outputs]`, from `[batch, ...]`."""
        return super().forward(input.flatten(1))
