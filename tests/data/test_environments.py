"""Gymnasium's environments as a source: what is seen, done and refused."""

import sys

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete
from losslab.data import gymnasium
from losslab.errors import UserError


class Walk(gym.Env):
    """A walk on a line from 0: actions 5 and 6 are a step left and right; at 3 it is over."""

    observation_space = Box(np.float32([-4]), np.float32([4]))
    action_space = Discrete(2, start=5)

    def __init__(self, seen=None, taken=None):
        self.observation_space = seen or self.observation_space
        self.action_space = taken or self.action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 0
        return np.float32([self.place]), {}

    def step(self, action):
        assert action in (5, 6)
        self.place += 2 * int(action) - 11
        return np.float32([self.place]), -1.0, self.place >= 3, False, {}


@pytest.fixture(autouse=True)
def _registered():
    gym.register("Walk-v0", Walk, max_episode_steps=5)
    yield
    gym.registry.pop("Walk-v0")


def right(batch):
    return {"logits": torch.tensor([[-1e4, 1e4]]).expand(len(batch["input"]), 2)}


def left(batch):
    return {"logits": torch.tensor([[1e4, -1e4]]).expand(len(batch["input"]), 2)}


def walk(**options):
    return gymnasium(environment="Walk-v0", environments=2, **options)


def test_an_environment_of_ones_own_is_played():
    batch = next(walk().following(right).batches("train", 8, seed=0))
    assert batch["input"].flatten().tolist() == [0, 0.25, 0.5, 0] * 2
    assert batch["terminated"].tolist() == [False, False, True, False] * 2
    assert not batch["truncated"].any()
    assert batch["action"].unique().tolist() == [1]


def test_a_time_limit_truncates():
    batch = next(walk(rescale=False).following(left).batches("train", 12, seed=0))
    assert batch["input"].flatten().tolist() == [0, -1, -2, -3, -4, 0] * 2
    assert batch["truncated"].tolist() == [False] * 4 + [True] + [False] * 5 + [True, False]
    assert not batch["terminated"].any()
    batch = next(walk(max_steps=2).following(left).batches("train", 4, seed=0))
    assert batch["truncated"].tolist() == [False, True] * 2


def test_actions_are_repeated_as_long_as_the_episode_goes_on():
    batch = next(walk(repeat=2).following(right).batches("train", 4, seed=0))
    assert batch["input"].flatten().tolist() == [0, 0.5] * 2
    assert batch["reward"].tolist() == [-2, -1] * 2
    assert batch["terminated"].tolist() == [False, True] * 2


def test_a_wrapper_and_options_reach_the_environment():
    def double(env):
        return gym.wrappers.TransformReward(env, lambda reward: 2 * reward)

    seen = Box(np.float32([-2]), np.float32([2]))
    playing = walk(wrapper=double, options={"seen": seen}).following(right)
    batch = next(playing.batches("train", 4, seed=0))
    assert batch["reward"].unique().tolist() == [-2]
    assert batch["input"].flatten().tolist() == [0, 0.5] * 2


def test_cartpole_begins_elsewhere_in_every_environment_and_epoch():
    playing = gymnasium(environments=4)
    first, again, other = (next(playing.batches("train", 4, seed=s))["input"] for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert len(torch.cat([first, other]).unique(dim=0)) == 8
    assert playing.spec.input_shape == (4,)
    assert playing.summary["name"] == "CartPole-v1"


def test_unbounded_numbers_are_left_as_they_are():
    # CartPole's angle lies within ±0.418879 rad (24°), its velocities within nothing.
    plain, scaled = (
        next(gymnasium(rescale=r).batches("train", 8, seed=0))["input"] for r in (False, True)
    )
    torch.testing.assert_close(scaled[:, 1], plain[:, 1])
    torch.testing.assert_close(scaled[:, 2], plain[:, 2] / 0.41887903)


def test_numbers_as_actions_are_clipped_for_the_environment_and_kept_as_drawn():
    playing = gymnasium(environment="MountainCarContinuous-v0", environments=1, max_steps=2)

    def hard(batch):
        mu = torch.full((len(batch["input"]), 1), 7.0)
        return {"mu": mu, "log_sigma": torch.full_like(mu, -9.0)}

    batch = next(playing.following(hard).batches("train", 2, seed=0))
    assert playing.spec.target == "continuous_action"
    assert batch["action"].shape == (2, 1)
    assert batch["action"].mean().item() == pytest.approx(7, abs=1e-2)
    torch.testing.assert_close(batch["reward"], torch.full((2,), -0.1))  # −0.1 · 1²


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"environment": "CartPole-v99"}, "CartPole-v99 can't be made: Environment version `v99`"),
        ({"environment": "nowhere:CartPole-v1"}, "can't be made: No module named 'nowhere'"),
        ({"environment": "CartPole-v1", "options": {"x": 1}}, "can't be made: .*argument 'x'"),
        ({"environment": "CartPole-v1", "repeat": 0}, "repeat must be at least 1; got 0"),
        ({"environment": "CartPole-v1", "max_steps": 0}, "max_steps must be at least 1; got 0"),
        (
            {"environment": "Walk-v0", "options": {"seen": Dict(a=Discrete(2))}},
            "Walk-v0 must show numbers, a Box; it shows Dict",
        ),
        (
            {"environment": "Walk-v0", "options": {"taken": MultiDiscrete([2, 2])}},
            "Walk-v0 must take one of several actions, a Discrete, or a row of numbers, a Box; it",
        ),
    ],
    ids=["version", "module", "option", "repeat", "max_steps", "observations", "actions"],
)
def test_what_cannot_be_played_is_refused(options, text):
    with pytest.raises(ValueError, match=text):
        gymnasium(**options)


def test_without_gymnasium_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(UserError, match=r"not installed: pip install 'losslab\[rl\]'"):
        gymnasium()
