"""A run whose model acts: what it is judged by, whom it follows, what it is compared with."""

import math

import pytest
import torch
from losslab.cli.compose import compose_config, plain
from losslab.data.spec import Spec
from losslab.errors import UserError
from losslab.training.config import TrainerConfig
from losslab.training.distributed import World
from losslab.training.metrics import Returns, metrics_for
from losslab.training.metrics_mode import mode_of
from losslab.training.report import Report
from losslab.training.run import prepare
from losslab.training.trivial import trivial_metrics


def parts_of(*overrides):
    base = ["model=actor_critic", "trainer.batch_size=32", "data.test=5"]
    config = plain(compose_config([*base, *overrides]))
    trainer = TrainerConfig(**config["trainer"])
    return prepare(config, trainer, torch.device("cpu"), World(), Report())


def episodes(*rewards):
    """The batch of episodes with these rewards; each odd one is truncated."""
    lengths = [len(one) for one in rewards]
    ends = torch.zeros(sum(lengths), dtype=torch.bool)
    last = torch.tensor(lengths).cumsum(0) - 1
    truncated = ends.clone()
    ends[last[::2]], truncated[last[1::2]] = True, True
    return {
        "reward": torch.tensor([r for one in rewards for r in one]),
        "terminated": ends,
        "truncated": truncated,
    }


def test_returns_are_those_of_whole_episodes():
    metrics = Returns()
    metrics.update({}, episodes([1.0, 2.0], [5.0]))
    metrics.update({}, episodes([-1.0, 0.0, 2.0]))
    assert metrics.compute() == pytest.approx(
        {"return": 3.0, "spread": math.sqrt(8 / 3), "length": 2.0}
    )
    assert mode_of("val/return") == "max"


def test_what_is_not_played_to_its_end_does_not_count():
    batch = episodes([1.0, 1.0])
    batch = {name: torch.cat([t, torch.zeros_like(t)]) for name, t in batch.items()}
    metrics = Returns()
    metrics.update({}, batch)
    assert metrics.compute()["return"] == 2


def test_without_an_episode_there_is_no_return():
    metrics = Returns()
    metrics.update({}, {name: tensor[:1] for name, tensor in episodes([1.0, 2.0]).items()})
    assert math.isnan(metrics.compute()["return"])


@pytest.mark.parametrize("kind", ["discrete_action", "continuous_action"])
def test_a_model_that_acts_is_judged_by_its_returns(kind):
    metrics = metrics_for(Spec((4,), kind, 2), {"logits": torch.zeros(1, 2)}, None)
    assert isinstance(metrics, Returns)
    assert metrics.headline == "return"


def test_a_run_plays_with_its_own_model():
    parts = parts_of()
    with torch.no_grad():
        parts.step.model.actor.layers[-1].bias += torch.tensor([9e9, 0.0])
    assert next(parts.source.batches("train", 32, seed=0))["action"].unique().tolist() == [0]


def test_beside_it_stands_what_acting_at_random_brings():
    parts = parts_of()
    with torch.no_grad():
        parts.step.model.actor.layers[-1].bias += torch.tensor([9e9, 0.0])
    trivial = trivial_metrics(parts.source, Returns(), 2)
    # One action only lets the pole fall within ten steps; at random it takes about 22.
    assert trivial["return"] > 12


def test_acting_while_it_is_evaluated_leaves_it_so():
    step = parts_of().step
    with step.evaluating():
        step.answer({"input": torch.zeros(1, 4)})
        assert not step.model.training
    assert step.model.training
    assert not step.answer({"input": torch.zeros(1, 4)})["logits"].requires_grad


def test_a_model_that_cannot_act_is_refused_before_training():
    with pytest.raises(UserError, match="a policy for discrete actions must give logits; the mod"):
        parts_of("model=vae", "data=gymnasium", "loss=gaussian_kl")


def test_several_passes_over_the_same_experience_learn_with_ppo():
    parts = parts_of("loss=[ppo_clip,ppo_value,entropy]", "data.passes=3", "data.samples=96")
    values = [parts.step.train(b, 0.0) for b in parts.source.batches("train", 32, seed=0)]
    clipped = [value[0].item() for value in values]
    assert len(clipped) == 3
    assert clipped[0] == pytest.approx(0, abs=1e-6)  # the ratios are 1, the advantages' mean is 0
    assert clipped[1] < -1e-4  # what paid is likelier by now
