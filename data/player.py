"""A policy that plays several environments side by side, and writes down what happens."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .acting import Actions
from .source import Batch, Policy


class Moved(NamedTuple):
    """What a step led to in each environment.

    Args:
        observation: what is seen after the step, also where it was the last of an episode,
            `[environments, ...]`.
        reward: `[environments]`.
        terminated: whether the task is over, `[environments]`, bool.
        truncated: whether the episode was cut off though the task goes on, `[environments]`, bool.
    """

    observation: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor


class Environments(Protocol):
    """Several environments of one kind, side by side."""

    def reset(self, seeds: Sequence[int]) -> Tensor:
        """Begin a fresh episode in each; what is seen, `[environments, ...]`."""
        ...

    def step(self, action: Tensor) -> Moved:
        """Act in each: `[environments]`, or `[environments, numbers]`."""
        ...

    def restart(self, over: Tensor) -> Tensor:
        """Begin a new episode where one is over, `[environments]`, bool; what is seen in all."""
        ...

    def close(self) -> None:
        """Let go of them."""
        ...


class Player:
    """Plays environments with a policy.

    Args:
        environments: to play.
        count: how many they are.
        actions: that they take.
        policy: decides; None acts at random.
        device: where the policy sees.
        greedy: take the policy's likeliest action, rather than draw one.
        generator: to draw from; None is torch's own.
    """

    def __init__(
        self,
        environments: Environments,
        count: int,
        actions: Actions,
        policy: Policy | None,
        device: torch.device,
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        self.environments = environments
        self.count = count
        self.actions = actions
        self.policy = policy
        self.device = device
        self.greedy = greedy
        self.generator = generator
        self.done: list[Tensor] = []  # every action since `begin`
        self._seen = torch.empty(0)

    def begin(self, seeds: Sequence[int]) -> None:
        """Begin a fresh episode in each environment."""
        self.done = []
        self._seen = self.environments.reset(seeds)

    def replay(self, actions: Iterable[Tensor]) -> None:
        """Do once more what was done since `begin`."""
        for action in actions:
            self._move(action)

    def steps(self, number: int) -> Batch:
        """So many steps in each environment, `[environments, steps, ...]` by name.

        A policy with a critic, which gives `value`, is asked for that of the observation that each
        step led to, `next_value`.
        """
        return self._together([self._step() for _ in range(number)])

    def episodes(self, quota: Tensor) -> tuple[Batch, Tensor]:
        """Whole episodes, so many in each environment.

        Args:
            quota: `[environments]`.

        Returns:
            As `steps`, and which of the steps belong to these episodes, `[environments, steps]`:
            environments that are through with theirs play on while they wait for the others.
        """
        rows: list[Batch] = []
        over = torch.zeros(self.count, dtype=torch.long)
        belongs = []
        while (over < quota).any():
            belongs.append(over < quota)
            rows.append(self._step())
            over += rows[-1]["terminated"] | rows[-1]["truncated"]
        return self._together(rows), torch.stack(belongs, 1)

    def close(self) -> None:
        """Let go of the environments."""
        self.environments.close()

    def _step(self) -> Batch:
        seen = self._seen
        row = {"input": seen}
        if self.policy is None:
            row["action"], row["old_log_prob"] = self.actions.at_random(self.count, self.generator)
        else:
            outputs = self._ask(seen)
            draw = self.actions.likeliest if self.greedy else self.actions.draw
            row["action"], row["old_log_prob"] = draw(outputs, self.generator)
            if "value" in outputs:
                row["old_value"] = outputs["value"]
        moved = self._move(row["action"])
        row |= {name: getattr(moved, name) for name in ("reward", "terminated", "truncated")}
        if "old_value" in row:
            row["next_input"] = moved.observation
        return row

    def _move(self, action: Tensor) -> Moved:
        self.done.append(action)
        moved = self.environments.step(self.actions.within_bounds(action))
        over = moved.terminated | moved.truncated
        self._seen = self.environments.restart(over) if over.any() else moved.observation
        return moved

    def _ask(self, seen: Tensor) -> Batch:
        assert self.policy is not None
        outputs = self.policy({"input": seen.to(self.device)})
        return {name: output.detach().cpu() for name, output in outputs.items()}

    def _together(self, rows: Sequence[Batch]) -> Batch:
        played = {name: torch.stack([row[name] for row in rows], 1) for name in rows[0]}
        if "next_input" in played:
            later = played.pop("next_input")
            played["next_value"] = self._ask(later.flatten(0, 1))["value"].view(later.shape[:2])
        return played
