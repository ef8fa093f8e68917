"""Standardisation: statistics of the train split, applied to all three."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scaling:
    """x ↦ (x − offset) / scale, feature by feature.

    Args:
        offset: what is subtracted, float64, broadcasts over the values.
        scale: what the difference is then divided by.
    """

    offset: Tensor
    scale: Tensor

    @classmethod
    def fit(cls, train: Tensor) -> "Scaling":
        """Mean and population standard deviation, as scikit-learn's StandardScaler has them.

        >>> Scaling.fit(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))(torch.tensor([[5.0, 6.0]]))
        tensor([[3., 1.]])

        Args:
            train: `[samples, ...]`, the train split alone.
        """
        train = train.double()
        mean = train.mean(0)
        return cls.of_moments(mean, (train - mean).square().mean(0))

    @classmethod
    def of_moments(cls, mean: Tensor, variance: Tensor) -> "Scaling":
        """From a mean and a variance; a constant feature is centred and left in its unit."""
        deviation = variance.clamp(min=0).sqrt()
        constant = deviation <= 1e-12 * mean.abs()  # rounding alone gives a constant some variance
        return cls(mean, torch.where(constant, 1.0, deviation))

    def __call__(self, values: Tensor) -> Tensor:
        """The standardised values, in single precision."""
        if values.dtype == torch.float32:
            return (values - self.offset.float()) / self.scale.float()
        return ((values.double() - self.offset) / self.scale).float()
