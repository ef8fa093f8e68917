"""An actor and a critic: a policy, and what it expects of a state."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .checks import check_choice
from .mlp import MLP


class ActorCritic(nn.Module):
    r"""A policy $\pi(a \mid s)$ and the value $V(s)$ of a state, each a perceptron of its own.

    A categorical policy gives `logits`, one per action; a Gaussian one `mu` and `log_sigma` of each
    number of the action, with a $\sigma$ that all states share. The critic gives `value`. The
    actor's last layer begins at nearly zero, so that at first every action is as good as another.

    Args:
        in_features: numbers in one observation.
        outputs: actions to choose from, or numbers in one.
        policy: categorical or gaussian, as the environment's actions are.
        width: units of every hidden layer, or a list.
        depth: hidden layers.
        activation: as of `MLP`.
        sigma: standard deviation that a Gaussian policy begins with, in the action's unit.

    Raises:
        ValueError: an unknown policy, or an option outside its range.

    Example:
        >>> model = ActorCritic(in_features=4, outputs=2, policy="gaussian")
        >>> {name: tuple(output.shape) for name, output in model(torch.zeros(5, 4)).items()}
        {'answer': (5, 2), 'value': (5,), 'log_sigma': (5, 2)}

    References:
        Mnih et al. 2016, Asynchronous Methods for Deep Reinforcement Learning.
    """

    def __init__(
        self,
        in_features: int,
        outputs: int,
        *,
        policy: str,
        width: int | Sequence[int] = 64,
        depth: int = 2,
        activation: str = "tanh",
        sigma: float = 1.0,
    ) -> None:
        super().__init__()
        check_choice("policy", policy, ("categorical", "gaussian"))
        if not sigma > 0:
            raise ValueError(f"sigma must be positive; got {sigma}")

        def perceptron(answers: int) -> MLP:
            return MLP(in_features, answers, width=width, depth=depth, activation=activation)

        self.actor, self.critic = perceptron(outputs), perceptron(1)
        last = self.actor.layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.orthogonal_(last.weight, 0.01)
        nn.init.zeros_(last.bias)
        self.log_sigma: nn.Parameter | None = None
        if policy == "gaussian":
            self.log_sigma = nn.Parameter(torch.full((outputs,), math.log(sigma)))

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        """`answer`, logits or mu, `[batch, outputs]`; `value`, `[batch]`; `log_sigma`, like mu."""
        answer, value = self.actor(input), self.critic(input)
        outputs = {"answer": answer, "value": value.squeeze(1)}
        if self.log_sigma is None:
            return outputs
        return {**outputs, "log_sigma": self.log_sigma.expand_as(answer)}
