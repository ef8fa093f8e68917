"""Temperature scaling: one number that makes an over-confident model honest.

The logits are divided by a temperature T, chosen where the log loss of the validation data is
least (Guo et al. 2017, section 4.2). No answer changes, only how sure it sounds: less for T > 1.
"""

import math

import torch
from torch import Tensor

from .claims import Elements, log_loss

LOWEST, HIGHEST = 0.05, 20.0
_KEPT = 2**20  # elements; more do not change one number


class Chosen:
    """Collects the validation data's answers, and chooses.

    Args:
        samples: how many there will be; of many pixels, a fixed random part is kept of each batch.
    """

    def __init__(self, samples: int) -> None:
        self.logits: list[Tensor] = []
        self.target: list[Tensor] = []
        self._each = max(1, _KEPT // max(1, samples))
        self._generator = torch.Generator().manual_seed(0)

    def add(self, batch: Elements) -> None:
        """Add one batch."""
        most = self._each * batch.samples
        order = torch.randperm(len(batch.target), generator=self._generator)[:most]
        self.logits.append(batch.logits[order])
        self.target.append(batch.target[order])

    def temperature(self) -> float | None:
        """See `best_temperature`."""
        return best_temperature(torch.cat(self.logits), torch.cat(self.target))


def best_temperature(logits: Tensor, target: Tensor) -> float | None:
    """The temperature of least log loss; None if there is none between 0.05 and 20.

    Answers without a mistake have none: the surer, the better.

    >>> logits = torch.tensor([[4.0], [4.0], [4.0], [-4.0]])  # σ(4) = 0.98, and right in 3 of 4
    >>> f"{best_temperature(logits, torch.tensor([1, 1, 0, 0])):.2f}"  # 4 / T = log 3
    '3.64'

    Args:
        logits: `[elements, classes]`, or `[elements, 1]` for yes or no.
        target: the class, or 0 and 1, `[elements]`.
    """
    from scipy.optimize import minimize_scalar

    if not len(target):
        return None
    ends = math.log(LOWEST), math.log(HIGHEST)
    found = minimize_scalar(
        lambda log_t: log_loss(logits / math.exp(log_t), target).mean().item(),
        bounds=ends,
        method="bounded",
        options={"xatol": 1e-5},
    )
    inside = ends[0] + 0.01 < found.x < ends[1] - 0.01
    return math.exp(found.x) if inside else None
