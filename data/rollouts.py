"""Reinforcement learning as a source of batches: the policy in training plays, and learns from it.

A batch is what was just played, one row per step, so every update is made from the policy's own
experience, through a forward pass of its own:

    input                     what was seen, `[steps, ...]`
    action                    what was done, as it was drawn
    reward                    what it brought
    terminated, truncated     whether the episode ended there: by itself, or by a time limit
    returns, advantage        what it was worth, see `losslab.losses.returns`
    old_log_prob, old_value   what the policy made of it while it played, for losses such as PPO's

Validation and test are whole episodes. Every epoch begins with fresh episodes, seeded by the run's
seed and the epoch. A run that is resumed within an epoch first plays the same actions again, and so
goes on in the very same state.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ..losses.returns import discounted_returns, gae, standardise
from .acting import Actions
from .messages import did_you_mean
from .player import Environments, Player
from .source import Batch, Policy, Reader, Source, SplitName, batch_starts
from .spec import Spec

Sample = Literal["step", "episode"]
_CODES: dict[SplitName, int] = {"train": 0, "val": 1, "test": 2}  # in the seeds


@dataclass(frozen=True)
class Playing:
    """How experience is collected, and what it is counted worth.

    Args:
        environments: that are played side by side.
        samples: of an epoch; trainer.batch_size of them are played for one update.
        sample: what these count. Of steps the last in each environment is cut off, and valued by
            the critic; without a critic, take whole episodes.
        passes: updates from the same experience; more than 1 is for losses that keep the new policy
            near the one that played.
        gamma: discount of one step, in [0, 1].
        lambda_: of generalised advantage estimation, in [0, 1]; 0 is the one-step error. Without a
            critic, the advantage is the discounted return.
        ends_at_reward: whether a reward other than 0 ends what is discounted, though the game goes
            on: a point in Pong.
        standardise: give the advantages of each update mean 0 and deviation 1.
        val: episodes after each epoch.
        test: episodes at the end of the run.
        greedy: whether those take the likeliest action; else they draw it, as in training.

    Raises:
        ValueError: a number outside its range, or samples of another kind.
    """

    environments: int = 8
    samples: int = 4096
    sample: Sample = "step"
    passes: int = 1
    gamma: float = 0.99
    lambda_: float = 0.95
    ends_at_reward: bool = False
    standardise: bool = True
    val: int = 10
    test: int = 100
    greedy: bool = True

    def __post_init__(self) -> None:
        """Check the numbers."""
        least = {"environments": 1, "samples": 1, "passes": 1, "val": 0, "test": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} must be at least {bound}; got {getattr(self, name)}")
        for name in ("gamma", "lambda_"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1]; got {getattr(self, name)}")
        if self.sample not in get_args(Sample):
            hint = did_you_mean(self.sample, get_args(Sample))
            raise ValueError(f"sample must be step or episode; got {self.sample}.{hint}")


class Rollouts(Source):
    """What a policy plays in environments.

    Args:
        make: so many environments, side by side.
        input_shape: of one observation.
        actions: that they take.
        playing: how experience is collected.
        name: what the environment is called.
    """

    def __init__(
        self,
        make: Callable[[int], Environments],
        input_shape: tuple[int, ...],
        actions: Actions,
        playing: Playing,
        name: str,
    ) -> None:
        self.spec = Spec(input_shape, actions.kind, actions.count)
        self.summary: Mapping[str, Any] = {"name": name}
        self.reader: Reader | None = None
        self.playing = playing
        self._make = make
        self._actions = actions
        self._policy: Policy | None = None
        self._device = torch.device("cpu")
        self._player: Player | None = None  # for training, kept from epoch to epoch
        self._batch: Batch = {}  # what is being learnt from
        self._behind: Mapping[str, Any] = {}  # of a run that is resumed within an epoch

    def size(self, split: SplitName) -> int:
        """Samples of an epoch, or episodes of an evaluation."""
        playing = self.playing
        return {"train": playing.samples, "val": playing.val, "test": playing.test}[split]

    def to(self, device: torch.device) -> "Rollouts":
        """Show the policy what it sees on `device`; environments stay on the CPU."""
        moved = copy(self)
        moved._device, moved._player = device, None
        return moved

    def following(self, policy: Policy | None) -> "Rollouts":
        """See `Source.following`."""
        if policy is not None:
            seen = torch.zeros(1, *self.spec.input_shape, device=self._device)
            self._actions.check(policy({"input": seen}))
        followed = copy(self)
        followed._policy, followed._player = policy, None
        return followed

    def state(self) -> dict[str, Any]:
        """What was done since the epoch began, and the batch if there are more passes over it."""
        done = [] if self._player is None else self._player.done
        return {"done": list(done), "batch": self._batch if self.playing.passes > 1 else {}}

    def load(self, state: Mapping[str, Any]) -> None:
        """See `Source.load`."""
        self._behind = state

    def batches(
        self,
        split: SplitName,
        batch_size: int,
        *,
        seed: int | None = None,
        start: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> Iterator[Batch]:
        """See `Source.batches`. Each environment plays the same share of a batch, rounded up."""
        if split == "train":
            return self._train(batch_size, seed or 0, start, shard)
        return self._evaluate(split, batch_size)

    def _train(
        self, batch_size: int, seed: int, start: int, shard: tuple[int, int]
    ) -> Iterator[Batch]:
        updates = len(batch_starts(self.playing.samples, batch_size, shard=shard))
        rank, ranks = shard
        mine = -(-batch_size // ranks)
        player = self._player_of(min(self.playing.environments, mine))
        share = -(-mine // player.count)
        player.begin(_seeds(player.count, _CODES["train"], seed, rank))
        behind, self._behind = (self._behind if start else {}), {}
        self._batch = behind.get("batch", {})
        if self.playing.sample == "step":
            player.replay(behind.get("done", ()))
        for update in range(start, updates):
            rollout, again = divmod(update, self.playing.passes)
            if not again or not self._batch:
                if self.playing.sample == "step":
                    self._batch = self._worth(player.steps(share))
                else:
                    player.begin(_seeds(player.count, _CODES["train"], seed, rank, rollout))
                    quota = torch.full((player.count,), share)
                    self._batch = self._worth(*player.episodes(quota))
            yield self._batch

    def _player_of(self, count: int) -> Player:
        """Who plays for training, so many environments."""
        if self._player is None or self._player.count != count:
            if self._player is not None:
                self._player.close()
            self._player = Player(
                self._make(count), count, self._actions, self._policy, self._device
            )
        return self._player

    def _evaluate(self, split: SplitName, batch_size: int) -> Iterator[Batch]:
        episodes = self.size(split)
        count = min(self.playing.environments, batch_size, episodes)
        player = Player(
            self._make(count),
            count,
            self._actions,
            self._policy,
            self._device,
            greedy=self.playing.greedy,
            generator=torch.Generator().manual_seed(_CODES[split]),
        )
        try:
            for start in batch_starts(episodes, batch_size):
                player.begin(_seeds(count, _CODES[split], start))
                now = min(batch_size, episodes - start)
                quota = torch.tensor([len(range(i, now, count)) for i in range(count)])
                yield self._worth(*player.episodes(quota))
        finally:
            player.close()

    def _worth(self, played: Batch, belongs: Tensor | None = None) -> Batch:
        """What was played as rows, with what each step was worth.

        Args:
            played: see `Player.steps`.
            belongs: which steps are wanted, `[environments, steps]`; None for all.
        """
        playing = self.playing
        reward, truncated = played["reward"], played["truncated"]
        over = played["terminated"]
        if playing.ends_at_reward:
            over = over | (reward != 0)
        next_value = played.pop("next_value", None)
        if next_value is None:
            played["old_value"] = nothing = torch.zeros_like(reward)
            returns = advantage = discounted_returns(
                reward, over, truncated, nothing, gamma=playing.gamma
            )
        else:
            value = played["old_value"]
            options = {"gamma": playing.gamma, "lambda_": playing.lambda_}
            advantage = gae(reward, value, over, truncated, next_value, **options)
            returns = advantage + value
        played |= {"returns": returns, "advantage": advantage}
        batch = {
            name: tensor.flatten(0, 1) if belongs is None else tensor[belongs]
            for name, tensor in played.items()
        }
        if playing.standardise:
            batch["advantage"] = standardise(batch["advantage"])
        return batch


def _seeds(count: int, *key: int) -> list[int]:
    """Independent seeds of so many environments, for a key of non-negative numbers."""
    import numpy as np

    return [int(seed) for seed in np.random.SeedSequence(key).generate_state(count)]
