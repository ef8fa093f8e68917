"""Environments of Gymnasium, the field's standard: CartPole, Atari games, anyone's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..errors import UserError
from .acting import Actions
from .player import Moved
from .rollouts import Playing, Rollouts, Sample

if TYPE_CHECKING:
    import numpy as np


def gymnasium(
    *,
    environment: str = "CartPole-v1",
    options: Mapping[str, Any] | None = None,
    wrapper: Callable[[Any], Any] | None = None,
    max_steps: int | None = None,
    repeat: int = 1,
    rescale: bool = True,
    environments: int = 8,
    samples: int = 4096,
    sample: Sample = "step",
    passes: int = 1,
    gamma: float = 0.99,
    lambda_: float = 0.95,
    ends_at_reward: bool = False,
    standardise: bool = True,
    val: int = 10,
    test: int = 100,
    greedy: bool = True,
) -> Rollouts:
    """Gymnasium: any of its environments, or one of your own that is registered with it.

    Observations are arrays of numbers; actions are a choice among several, or numbers.

    Args:
        environment: its id, `CartPole-v1`; `package.module:Name-v0` imports the module first, where
            yours is registered.
        options: of the environment itself.
        wrapper: changes each environment, as Gymnasium's wrappers do: takes one and returns one.
        max_steps: cut episodes off after so many steps; None leaves the environment's own limit.
        repeat: take every action so many times, and sum the rewards: who decides less often
            explores further.
        rescale: bring what is seen to [-1, 1] where it is bounded.
        environments: see `Playing`, here and below.
        samples: of an epoch.
        sample: step, or episode.
        passes: updates from the same experience.
        gamma: discount.
        lambda_: of generalised advantage estimation.
        ends_at_reward: whether a reward ends what is discounted.
        standardise: the advantages of each update.
        val: episodes after each epoch.
        test: episodes at the end.
        greedy: whether those take the likeliest action.

    Raises:
        UserError: Gymnasium is not installed.
        ValueError: no such environment, one that is not understood, or an option outside its range.
    """
    for name, value in (("repeat", repeat), ("max_steps", max_steps)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1; got {value}")
    playing = Playing(
        environments=environments,
        samples=samples,
        sample=sample,
        passes=passes,
        gamma=gamma,
        lambda_=lambda_,
        ends_at_reward=ends_at_reward,
        standardise=standardise,
        val=val,
        test=test,
        greedy=greedy,
    )
    gym = _gymnasium()

    def make() -> Any:
        one = gym.make(environment, max_episode_steps=max_steps, **dict(options or {}))
        one = one if wrapper is None else wrapper(one)
        return one if repeat == 1 else _repeating(one, repeat)

    try:
        one = make()
    except (gym.error.Error, ImportError, TypeError) as error:
        text = str(error).strip().split("\n")[0].rstrip(".")
        raise ValueError(f"{environment} can't be made: {text}") from error
    seen, taken = one.observation_space, one.action_space
    one.close()
    if not isinstance(seen, gym.spaces.Box):
        raise ValueError(f"{environment} must show numbers, a Box; it shows {seen}")
    actions, first = _actions(environment, taken)
    scale = _scale(seen) if rescale else None
    return Rollouts(
        lambda count: GymnasiumEnvironments([make] * count, scale, first),
        tuple(seen.shape),
        actions,
        playing,
        environment,
    )


def _actions(environment: str, taken: Any) -> tuple[Actions, int]:
    """The actions that an environment takes, and the number of the first."""
    from gymnasium.spaces import Box, Discrete

    if isinstance(taken, Discrete):
        return Actions(int(taken.n)), int(taken.start)
    if isinstance(taken, Box) and len(taken.shape) == 1:
        low, high = torch.from_numpy(taken.low).float(), torch.from_numpy(taken.high).float()
        return Actions(len(low), low, high), 0
    raise ValueError(
        f"{environment} must take one of several actions, a Discrete, or a row of numbers, a Box; "
        f"it takes {taken}"
    )


def _repeating(one: Any, times: int) -> Any:
    from gymnasium import Wrapper

    class Repeating(Wrapper):  # here, so that importing us is light
        """Takes every action several times, as long as the episode goes on."""

        def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            total = 0.0
            for _ in range(times):
                seen, reward, terminated, truncated, info = self.env.step(action)
                total += float(reward)
                if terminated or truncated:
                    break
            return seen, total, terminated, truncated, info

    return Repeating(one)


def _scale(seen: Any) -> tuple[Tensor, Tensor]:
    """Centre and half width of each number that is seen; 0 and 1 where it has no bounds."""
    low, high = torch.from_numpy(seen.low).float(), torch.from_numpy(seen.high).float()
    bounded = (low > -1e30) & (high < 1e30) & (high > low)
    centre, half = (low + high) / 2, (high - low) / 2
    return torch.where(bounded, centre, 0), torch.where(bounded, half, 1)


class GymnasiumEnvironments:
    """Several Gymnasium environments, see `losslab.data.player.Environments`.

    Args:
        make: one function for each environment.
        scale: centre and half width of what is seen, to bring it to [-1, 1].
        first: the number of the first action.
    """

    def __init__(
        self, make: Sequence[Callable[[], Any]], scale: tuple[Tensor, Tensor] | None, first: int
    ) -> None:
        from gymnasium.vector import AutoresetMode, SyncVectorEnv

        # Without autoreset the last observation of an episode is seen like any other.
        self._all = SyncVectorEnv(make, autoreset_mode=AutoresetMode.DISABLED)
        self._scale = scale
        self._first = first

    def reset(self, seeds: Sequence[int]) -> Tensor:
        """See `Environments.reset`."""
        return self._tensor(self._all.reset(seed=list(seeds))[0])

    def step(self, action: Tensor) -> Moved:
        """See `Environments.step`."""
        if not action.is_floating_point():
            action = action + self._first
        seen, reward, terminated, truncated, _ = self._all.step(action.numpy())
        return Moved(
            self._tensor(seen),
            torch.from_numpy(reward).float(),
            torch.from_numpy(terminated),
            torch.from_numpy(truncated),
        )

    def restart(self, over: Tensor) -> Tensor:
        """See `Environments.restart`."""
        return self._tensor(self._all.reset(options={"reset_mask": over.numpy()})[0])

    def close(self) -> None:
        """See `Environments.close`."""
        self._all.close()

    def _tensor(self, seen: "np.ndarray[Any, Any]") -> Tensor:
        tensor = torch.from_numpy(seen).float()
        return tensor if self._scale is None else (tensor - self._scale[0]) / self._scale[1]


def _gymnasium() -> Any:
    """Gymnasium.

    Raises:
        UserError: it is not installed.
    """
    try:
        import gymnasium as gym
    except ModuleNotFoundError:
        raise UserError(
            "environments need Gymnasium, which is not installed: pip install 'losslab[rl]'"
        ) from None
    return gym
