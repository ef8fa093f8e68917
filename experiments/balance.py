"""Power in per cent and angle in radians: the squared errors of two targets, a term each."""

from torch import Tensor


def power(prediction: Tensor, target: Tensor) -> Tensor:
    """The squared error of the power, in per cent of the full one, `[batch]`."""
    return (100 * (prediction[:, 0] - target[:, 0])).square()


def angle(prediction: Tensor, target: Tensor) -> Tensor:
    """The squared error of the angle, in radians, `[batch]`."""
    return (prediction[:, 1] - target[:, 1]).square()
