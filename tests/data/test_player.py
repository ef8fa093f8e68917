"""A policy that plays: what is written down, and in which order."""

import torch
from losslab.data.acting import Actions
from losslab.data.player import Player
from scripted_environments import Scripted, policy

CPU = torch.device("cpu")


def player(lengths, truncates, policy=policy):
    one = Player(Scripted(lengths, truncates), len(lengths), Actions(2), policy, CPU)
    one.begin(range(len(lengths)))
    return one


def test_steps_are_written_down_by_environment_and_time():
    played = player([2, 9], [False, False]).steps(4)
    assert played["input"].squeeze(2).tolist() == [[0, 1, 0, 1], [10, 11, 12, 13]]
    assert played["action"].tolist() == [[0, 1, 0, 1], [0, 1, 0, 1]]
    assert played["reward"].tolist() == [[0, 1, 0, 1], [0, 1, 0, 1]]
    assert played["terminated"].tolist() == [[False, True, False, True], [False] * 4]
    assert not played["truncated"].any()
    assert played["old_log_prob"].abs().max() == 0


def test_the_next_value_is_that_of_the_last_observation_not_of_the_next_episode():
    played = player([2, 9], [False, True]).steps(3)
    assert played["old_value"].tolist() == [[0, 1, 0], [10, 11, 12]]
    assert played["next_value"].tolist() == [[1, 2, 1], [11, 12, 13]]


def test_without_a_critic_nothing_is_valued():
    played = player([2], [True], lambda batch: {"logits": policy(batch)["logits"]}).steps(3)
    assert not {"old_value", "next_value"} & set(played)
    assert played["truncated"].tolist() == [[False, True, False]]


def test_it_goes_on_where_it_was():
    one = player([9], [False])
    assert one.steps(2)["input"].flatten().tolist() == [0, 1]
    assert one.steps(2)["input"].flatten().tolist() == [2, 3]


def test_whole_episodes_of_several_lengths():
    played, belongs = player([2, 3], [False, False]).episodes(torch.tensor([2, 1]))
    assert belongs.tolist() == [[True] * 4, [True, True, True, False]]
    assert played["input"].squeeze(2)[belongs].tolist() == [0, 1, 0, 1, 10, 11, 12]


def test_an_environment_without_a_quota_is_left_out():
    _, belongs = player([2, 2], [False, False]).episodes(torch.tensor([1, 0]))
    assert belongs.tolist() == [[True, True], [False, False]]


def test_what_was_done_can_be_done_again():
    one = player([3], [False], policy=None)
    one.steps(5)
    again = player([3], [False], policy=None)
    again.replay(one.done)
    assert again.steps(1)["input"].tolist() == one.steps(1)["input"].tolist() == [[[2.0]]]
    assert torch.stack(again.done).flatten()[:5].tolist() == (
        torch.stack(one.done).flatten()[:5].tolist()
    )


def test_closing_lets_go():
    one = player([3], [False])
    one.close()
    assert one.environments.closed
