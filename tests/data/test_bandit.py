"""The bandit: one action, one reward, and what the best would have brought."""

import pytest
import torch
from losslab.data import bandit


def test_every_episode_is_one_step():
    batch = next(bandit(actions=7, features=3).batches("train", 16, seed=0))
    assert batch["input"].shape == (16, 3)
    assert batch["terminated"].all()
    torch.testing.assert_close(batch["returns"], batch["reward"])


def test_the_reward_is_that_of_the_action_in_its_context():
    source = bandit(actions=7, features=4, noise=0.0)
    batch = next(source.batches("train", 64, seed=0))
    mean = (batch["input"] * source.directions[batch["action"]]).sum(1) / 2
    torch.testing.assert_close(batch["reward"], mean)
    assert (source.best(batch["input"]) >= mean - 1e-6).all()


def test_noise_comes_on_top():
    source = bandit(actions=7, features=4, noise=0.5)
    batch = next(source.batches("test", 8192))
    residual = batch["reward"] - (batch["input"] * source.directions[batch["action"]]).sum(1) / 2
    assert residual.std().item() == pytest.approx(0.5, abs=0.02)


def test_the_best_action_of_the_policy_that_knows_the_directions():
    source = bandit(actions=50, noise=0.0, test=100)
    knowing = source.following(lambda batch: {"logits": batch["input"] @ source.directions.T})
    batch = next(knowing.batches("test", 100))
    torch.testing.assert_close(batch["reward"], source.best(batch["input"]))


def test_one_seed_is_one_bandit():
    assert torch.equal(bandit().directions, bandit().directions)
    assert not torch.equal(bandit().directions, bandit(seed=1).directions)


@pytest.mark.parametrize("option", [{"actions": 1}, {"features": 0}, {"noise": -0.1}], ids=str)
def test_a_bandit_that_cannot_be_is_refused(option):
    with pytest.raises(ValueError, match="actions must be at least 2, features at least 1 and"):
        bandit(**option)
