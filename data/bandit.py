"""A bandit with many arms: one action, one reward, and it is over."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .acting import Actions
from .player import Moved
from .rollouts import Playing, Rollouts


def bandit(
    *,
    actions: int = 2908,
    features: int = 16,
    noise: float = 0.5,
    seed: int = 0,
    environments: int = 512,
    samples: int = 16384,
    standardise: bool = True,
    val: int = 2048,
    test: int = 8192,
    greedy: bool = True,
) -> "Bandit":
    r"""Bandit: a context is seen, one of thousands of actions is chosen, and its reward is drawn.

    Context $x$ and the actions' hidden directions $w_a$ are drawn from standard normal
    distributions, and the reward of action $a$ is
    $\langle x, w_a \rangle / \sqrt{d} + \text{noise}$. Acting at random brings 0 on average; the
    best of 2,908 actions brings about 3.5.

    >>> source = bandit(actions=5, features=3)
    >>> batch = next(source.batches("train", 4))
    >>> batch["input"].shape, batch["action"].shape, bool(batch["terminated"].all())
    (torch.Size([4, 3]), torch.Size([4]), True)

    Args:
        actions: to choose from.
        features: $d$, numbers in a context.
        noise: standard deviation of the reward's noise.
        seed: draws the actions' directions.
        environments: contexts seen at once, at most.
        samples: of an epoch; trainer.batch_size of them are played for one update.
        standardise: give the advantages of each update mean 0 and deviation 1.
        val: contexts after each epoch.
        test: contexts at the end.
        greedy: whether those take the likeliest action; else they draw it, as in training.

    Raises:
        ValueError: an option outside its range.
    """
    if actions < 2 or features < 1 or noise < 0:
        raise ValueError(
            "actions must be at least 2, features at least 1 and noise not negative; "
            f"got {actions}, {features} and {noise}"
        )
    playing = Playing(
        environments=environments,
        samples=samples,
        standardise=standardise,
        val=val,
        test=test,
        greedy=greedy,
    )
    generator = torch.Generator().manual_seed(seed)
    return Bandit(torch.randn(actions, features, generator=generator), noise, playing)


class Bandit(Rollouts):
    """What a policy plays with a bandit.

    Args:
        directions: of the actions, `[actions, features]`.
        noise: standard deviation of the reward's noise.
        playing: how experience is collected.
    """

    def __init__(self, directions: Tensor, noise: float, playing: Playing) -> None:
        self.directions = directions
        actions, features = directions.shape
        super().__init__(
            lambda count: Contexts(count, directions, noise),
            (features,),
            Actions(actions),
            playing,
            "bandit",
        )

    def best(self, input: Tensor) -> Tensor:
        """The mean reward of the best action in each context, `[contexts]`."""
        rewards = input @ self.directions.T / math.sqrt(self.directions.shape[1])
        return rewards.amax(1)


class Contexts:
    """So many contexts side by side, see `losslab.data.player.Environments`.

    Args:
        count: contexts.
        directions: of the actions, `[actions, features]`.
        noise: standard deviation of the reward's noise.
    """

    def __init__(self, count: int, directions: Tensor, noise: float) -> None:
        self._count = count
        self._directions = directions
        self._noise = noise
        self._generator = torch.Generator()
        self._seen = torch.empty(0)

    def reset(self, seeds: Sequence[int]) -> Tensor:
        """See `Environments.reset`; the first seed draws all contexts and their noise."""
        self._generator.manual_seed(seeds[0])
        return self._next()

    def step(self, action: Tensor) -> Moved:
        """See `Environments.step`."""
        reward = (self._seen * self._directions[action]).sum(1)
        reward /= math.sqrt(self._directions.shape[1])
        reward += self._noise * torch.randn(self._count, generator=self._generator)
        over = torch.ones(self._count, dtype=torch.bool)
        return Moved(self._seen, reward, over, ~over)

    def restart(self, over: Tensor) -> Tensor:
        """See `Environments.restart`; every context is over after one action."""
        return self._next()

    def close(self) -> None:
        """See `Environments.close`."""

    def _next(self) -> Tensor:
        features = self._directions.shape[1]
        self._seen = torch.randn(self._count, features, generator=self._generator)
        return self._seen
