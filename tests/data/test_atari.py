"""What a policy sees of Pong: real frames of the game."""

import sys

import pytest
from losslab.data import gymnasium, pong_frames
from losslab.errors import UserError


@pytest.fixture
def pong():
    def make(**options):
        return gymnasium(
            environment="ale_py:ALE/Pong-v5",
            options={"obs_type": "grayscale"},
            wrapper=pong_frames(**options),
            environments=1,
            sample="step",
        )

    return make


def test_a_frame_shows_what_moved(pong):
    source = pong()
    assert (source.spec.input_shape, source.spec.outputs) == ((1, 80, 80), 3)
    batch = next(source.batches("train", 80, seed=0))
    frames = batch["input"]
    assert frames.shape == (80, 1, 80, 80)
    assert not frames[0].any()  # nothing came before
    moved = frames.abs().sum((1, 2, 3)) > 0
    assert moved[20:].float().mean() > 0.5
    assert -1 <= frames.min() < 0 < frames.max() <= 1


def test_the_actions_that_may_be_chosen_are_counted(pong):
    assert pong(actions=[2, 3]).spec.outputs == 2


def test_without_the_games_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(UserError, match=r"not installed: pip install 'losslab\[atari\]'"):
        pong_frames()
