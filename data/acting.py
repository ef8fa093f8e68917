"""How a policy acts: one of several actions, or numbers from a Gaussian."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..losses.policy import categorical_log_prob, gaussian_log_prob
from .spec import TargetKind


@dataclass(frozen=True)
class Actions:
    """The actions that environments take.

    Args:
        count: how many there are to choose from, or how many numbers make one.
        low: the least of each number, `[count]`; None where one of several is chosen.
        high: the largest of each.
    """

    count: int
    low: Tensor | None = None
    high: Tensor | None = None

    @property
    def kind(self) -> TargetKind:
        """What a spec calls them."""
        return "discrete_action" if self.low is None else "continuous_action"

    def check(self, outputs: Mapping[str, Tensor]) -> None:
        """See that a model's outputs say how to act.

        Raises:
            ValueError: a name that they lack, or a wrong number of channels.
        """
        needed = ("logits",) if self.low is None else ("mu", "log_sigma")
        for name in needed:
            if name not in outputs:
                kind = self.kind.replace("_", " ")
                raise ValueError(
                    f"a policy for {kind}s must give {' and '.join(needed)}; "
                    f"the model gives {', '.join(sorted(outputs))}. Choose model=actor_critic"
                )
            shape = tuple(outputs[name].shape)
            if shape[1:] != (self.count,):
                raise ValueError(
                    f"the policy's {name} must have shape [batch, {self.count}]; got {list(shape)}"
                )

    def draw(
        self, outputs: Mapping[str, Tensor], generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """An action for each row of the outputs, and its log-probability under them, `[batch]`.

        The action is as it was drawn, beyond the bounds too: only so is its log-probability right.

        >>> certain = {"logits": torch.tensor([[0.0, 100.0], [100.0, 0.0]])}
        >>> Actions(2).draw(certain)
        (tensor([1, 0]), tensor([0., 0.]))
        """
        if self.low is None:
            logits = outputs["logits"].float()
            action = logits.softmax(1).multinomial(1, generator=generator).squeeze(1)
            return action, categorical_log_prob(logits, action)
        mu, log_sigma = outputs["mu"], outputs["log_sigma"]
        noise = torch.randn(mu.shape, generator=generator)
        action = mu + log_sigma.exp() * noise
        return action, gaussian_log_prob(mu, log_sigma, action)

    def likeliest(
        self, outputs: Mapping[str, Tensor], generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """The likeliest action for each row of the outputs, and its log-probability, `[batch]`."""
        if self.low is None:
            action = outputs["logits"].argmax(1)
            return action, categorical_log_prob(outputs["logits"], action)
        return outputs["mu"], gaussian_log_prob(outputs["mu"], outputs["log_sigma"], outputs["mu"])

    def at_random(
        self, size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Actions drawn evenly, and their log-probability.

        Where there is no bound, from −1 or to 1, or 1 from the bound on the other side.
        """
        if self.low is None or self.high is None:
            action = torch.randint(self.count, (size,), generator=generator)
            return action, torch.full((size,), -math.log(self.count))
        low = torch.where(self.low.isfinite(), self.low, (self.high - 1).clamp(max=-1))
        high = torch.where(self.high.isfinite(), self.high, (self.low + 1).clamp(min=1))
        action = low + (high - low) * torch.rand(size, self.count, generator=generator)
        return action, -(high - low).log().sum().expand(size)

    def within_bounds(self, action: Tensor) -> Tensor:
        """What the environment gets."""
        return action if self.low is None else action.clamp(self.low, self.high)
