"""Batches that the policy plays itself: what they hold, what it is worth, and going on."""

import pytest
import torch
from losslab.data.acting import Actions
from losslab.data.rollouts import Playing, Rollouts
from losslab.losses.returns import gae, standardise
from scripted_environments import Scripted, policy

NAMES = {
    *("input", "action", "reward", "terminated", "truncated"),
    *("returns", "advantage", "old_log_prob", "old_value"),
}


def source(length=3, truncates=False, **playing) -> Rollouts:
    options = {"environments": 2, "samples": 8, "standardise": False, "gamma": 0.5, "lambda_": 0.5}
    return Rollouts(
        lambda count: Scripted([length] * count, [truncates] * count),
        (1,),
        Actions(2),
        Playing(**{**options, **playing}),
        "scripted",
    )


def actor(batch):
    return {"logits": policy(batch)["logits"]}


def test_the_spec_says_that_the_model_acts():
    spec = source().spec
    assert (spec.acts, spec.target, spec.main_output, spec.outputs) == (
        True,
        "discrete_action",
        "logits",
        2,
    )
    assert spec.sizes["policy"] == "categorical"
    numbers = Rollouts(
        lambda count: Scripted([1] * count, [False] * count),
        (1,),
        Actions(3, torch.zeros(3), torch.ones(3)),
        Playing(),
        "numbers",
    ).spec
    assert (numbers.main_output, numbers.classes, numbers.sizes["policy"]) == ("mu", 0, "gaussian")


def test_a_batch_has_a_row_for_every_step():
    batches = list(source().following(policy).batches("train", 4, seed=0))
    assert len(batches) == 2
    for batch in batches:
        assert set(batch) == NAMES
        assert {len(tensor) for tensor in batch.values()} == {4}
    # Two environments side by side, which go on from batch to batch.
    assert [b["input"].flatten().tolist() for b in batches] == [[0, 1, 10, 11], [2, 0, 12, 10]]


@pytest.mark.parametrize("truncates", [False, True], ids=["terminated", "truncated"])
def test_returns_and_advantages_are_those_of_gae(truncates):
    batch = next(
        source(truncates=truncates, environments=1).following(policy).batches("train", 4, seed=0)
    )
    end = torch.tensor([[False, False, True, False]])
    no = torch.zeros_like(end)
    value = torch.tensor([[0.0, 1.0, 2.0, 0.0]])
    reward, later = torch.tensor([[0.0, 1.0, 0.0, 0.0]]), torch.tensor([[1.0, 2.0, 3.0, 1.0]])
    flags = (no, end) if truncates else (end, no)
    expected = gae(reward, value, *flags, later, gamma=0.5, lambda_=0.5)[0]
    torch.testing.assert_close(batch["advantage"], expected)
    torch.testing.assert_close(batch["returns"], expected + value[0])
    # The last step of the episode, by hand: only a truncated one is worth what would follow.
    assert batch["advantage"][2].item() == (0.5 * 3 - 2 if truncates else -2)


def test_without_a_critic_the_advantage_is_the_discounted_return_whatever_lambda():
    playing = source(sample="episode", environments=1).following(actor)
    batch = next(playing.batches("train", 2, seed=0))
    assert batch["reward"].tolist() == [0, 1, 0] * 2
    assert batch["returns"].tolist() == batch["advantage"].tolist() == [0.5, 1, 0] * 2
    assert not batch["old_value"].any()


def test_a_reward_may_end_what_is_discounted():
    options = {"length": 9, "environments": 1, "gamma": 0.5}
    through = next(source(**options).following(actor).batches("train", 4, seed=0))
    anew = next(source(**options, ends_at_reward=True).following(actor).batches("train", 4, seed=0))
    assert through["reward"].tolist() == [0, 1, 0, 1]
    assert through["returns"].tolist() == [0.5 + 0.125, 1.25, 0.5, 1]
    assert anew["returns"].tolist() == [0.5, 1, 0.5, 1]


def test_advantages_are_standardised_over_the_batch():
    plain, standard = (
        next(source(standardise=s).following(policy).batches("train", 4, seed=0))
        for s in (False, True)
    )
    torch.testing.assert_close(standard["advantage"], standardise(plain["advantage"]))
    torch.testing.assert_close(standard["returns"], plain["returns"])


def test_several_passes_are_over_the_same_experience():
    batches = list(source(passes=2, samples=16).following(policy).batches("train", 4, seed=0))
    assert [b["input"].flatten().tolist()[0] for b in batches] == [0, 0, 2, 2]


def test_an_evaluation_has_as_many_whole_episodes_as_asked_for():
    batches = list(source(val=5, test=3).following(policy).batches("val", 2))
    ends = [int((b["terminated"] | b["truncated"]).sum()) for b in batches]
    assert ends == [2, 2, 1]
    assert all(bool(b["terminated"][-1]) for b in batches)
    assert sum(len(b["reward"]) for b in source(test=3).batches("test", 10)) == 9


def test_evaluations_are_repeatable_and_differ_between_splits():
    playing = source(length=40, val=2, test=2, greedy=False).following(
        lambda batch: {"logits": torch.zeros(len(batch["input"]), 2)}
    )
    val, again, test = (next(playing.batches(s, 2))["action"] for s in ("val", "val", "test"))
    assert torch.equal(val, again)
    assert not torch.equal(val, test)


def test_greedy_evaluations_take_the_likeliest_action():
    def nearly_even(batch):
        return {"logits": torch.tensor([[0.0, 0.1]]).expand(len(batch["input"]), 2)}

    evaluation = next(source(length=30).following(nearly_even).batches("val", 4))
    assert evaluation["action"].unique().tolist() == [1]
    training = next(source(length=30).following(nearly_even).batches("train", 60, seed=0))
    assert training["action"].unique().tolist() == [0, 1]


def test_a_policy_is_tried_when_it_is_followed():
    with pytest.raises(ValueError, match="a policy for discrete actions must give logits"):
        source().following(lambda batch: {"mu": torch.zeros(1, 2)})


def test_ranks_play_their_own_share_with_seeds_of_their_own():
    seeds = []
    for rank in range(2):
        playing = source().following(policy)
        (first, *_) = playing.batches("train", 4, seed=0, shard=(rank, 2))
        assert len(first["input"]) == 2
        seeds += playing._player.environments.seeds
    assert len(set(seeds)) == 4


@pytest.mark.parametrize("passes", [1, 2])
def test_an_epoch_goes_on_where_it_was_left(passes):
    def even(batch):
        size = len(batch["input"])
        return {"logits": torch.zeros(size, 2), "value": torch.ones(size)}

    torch.manual_seed(0)
    playing = source(length=5, samples=24, passes=passes).following(even)
    stream = playing.batches("train", 4, seed=7)
    for _ in range(3):
        next(stream)
    state, random = playing.state(), torch.get_rng_state()
    rest = list(stream)
    assert len(rest) == 3

    resumed = source(length=5, samples=24, passes=passes).following(even)
    resumed.load(state)
    torch.set_rng_state(random)
    again = list(resumed.batches("train", 4, seed=7, start=3))
    for one, other in zip(rest, again, strict=True):
        for name, tensor in one.items():
            assert torch.equal(tensor, other[name]), name


@pytest.mark.parametrize(
    ("playing", "text"),
    [
        ({"environments": 0}, "environments must be at least 1; got 0"),
        ({"val": -1}, "val must be at least 0; got -1"),
        ({"gamma": 1.5}, r"gamma must be in \[0, 1\]; got 1.5"),
        ({"lambda_": -0.1}, r"lambda_ must be in \[0, 1\]; got -0.1"),
        ({"sample": "episodes"}, "sample must be step or episode; got episodes. Did you mean epi"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_numbers_outside_their_range_are_refused(playing, text):
    with pytest.raises(ValueError, match=text):
        Playing(**playing)
