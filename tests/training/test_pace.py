"""The cost of a run, measured, and what is concluded from it."""

import math

import pytest
import torch
from losslab.cli.compose import compose_config, plain
from losslab.training import pace
from losslab.training.pace import Pace, pace_of, seconds

TINY = ["model=mlp", "model.width=8", "trainer.epochs=3", "trainer.device=cpu"]


def test_short_runs_stay_here_and_long_ones_are_shared_out():
    short = Pace(steps=10, step=0.01, step_in_process=0.01, processes=2)
    long = Pace(steps=1000, step=0.01, step_in_process=0.01, processes=2)
    assert short.one_by_one(2) < short.in_processes(2)
    assert long.in_processes(2) < long.one_by_one(2)


def test_processes_that_gain_nothing_by_step_gain_nothing_in_all():
    one_thread_is_half_as_fast = Pace(steps=10_000, step=0.01, step_in_process=0.02, processes=2)
    assert one_thread_is_half_as_fast.in_processes(16) > one_thread_is_half_as_fast.one_by_one(16)


def test_processes_must_be_clearly_faster():
    many = [Pace(1000, 0.01, 0.01 * slower, processes=2) for slower in (1.2, 1.6)]
    assert all(pace.in_processes(16) < pace.one_by_one(16) for pace in many)
    assert [pace.prefers_processes(16) for pace in many] == [True, False]


def test_one_process_is_no_other_way():
    assert Pace(steps=10, step=1, step_in_process=1, processes=1).in_processes(9) == math.inf


def test_it_is_measured_with_the_threads_of_each_way(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    found = pace_of(plain(compose_config(TINY)), most=4)
    assert (found.processes, found.threads) == (4, 2)
    assert asked == [2, 8]
    assert found.steps == 3 * math.ceil(399 / 16)  # 70 % of 569 samples in batches of 16
    assert 0 < found.step < 1
    assert 0 < found.step_in_process < 1


def test_the_threads_asked_for_leave_room_for_fewer_processes(monkeypatch):
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    found = pace_of(plain(compose_config([*TINY, "trainer.threads=4"])), most=8)
    assert (found.processes, found.threads) == (2, 4)


def test_no_more_processes_than_memory_for_them(monkeypatch):
    monkeypatch.setattr(pace, "half_of_free_bytes", lambda device: 1.2e9)
    assert pace_of(plain(compose_config(TINY)), most=8).processes == 2


def test_what_cannot_be_tried_has_no_pace():
    assert pace_of(plain(compose_config([*TINY, "loss=dice", "data=diabetes"])), most=2) is None


@pytest.mark.parametrize(("takes", "calls"), [(0.004, 13), (0.1, 4), (2.0, 2)])
def test_slow_steps_are_tried_less_often(takes, calls, monkeypatch):
    now = [0.0]
    made = []

    def call():
        made.append(None)
        now[0] += takes

    monkeypatch.setattr(pace.clock, "perf_counter", lambda: now[0])
    assert seconds(call, torch.device("cpu")) == pytest.approx(takes)
    assert len(made) == calls
