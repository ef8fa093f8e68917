"""Runs are trained as one program only where that is faster than what else there is."""

import pytest
from losslab.training import together
from losslab.training.pace import Pace, Slower
from losslab.training.report import Report
from losslab.training.stacked_group import StackedGroup
from losslab.training.together import train_together
from small_runs import job

HEAVY = 1e3  # seconds of a step alone, so that any program of the runs is faster


@pytest.fixture
def jobs(tmp_path):
    return [job(tmp_path, f"run-{seed}", f"seed={seed}") for seed in range(3)]


def pretend(monkeypatch, **pace):
    """Whatever is measured of a run alone, it is this."""
    found = Pace(steps=50, **{"step_in_process": 1.0, "processes": 1, **pace})
    monkeypatch.setattr(together, "measure", lambda *_: found)
    return found


def tried(monkeypatch):
    """The sizes of the groups that are tried."""
    sizes, try_ = [], StackedGroup._try

    def remembered(group):
        sizes.append(len(group.jobs))
        return try_(group)

    monkeypatch.setattr(StackedGroup, "_try", remembered)
    return sizes


def test_light_steps_that_are_faster_alone_are_left_alone(jobs, monkeypatch):
    pace = pretend(monkeypatch, step=1e-9)
    sizes = tried(monkeypatch)
    with pytest.raises(Slower, match=r"a step of 3 takes .* one by one") as slower:
        train_together(jobs, Report())
    assert slower.value.pace == pace
    assert sizes == [3]
    assert not any(any(one.run_dir.iterdir()) for one in jobs)


def test_heavy_steps_are_tried_with_two_before_all(jobs, monkeypatch):
    pretend(monkeypatch, step=HEAVY)
    sizes = tried(monkeypatch)
    assert len(train_together(jobs, Report())) == 3
    assert sizes == [2, 3]


def test_heavy_steps_that_gain_nothing_are_not_tried_with_all(jobs, monkeypatch):
    pretend(monkeypatch, step=1e-9)
    monkeypatch.setattr(together, "_HEAVY", 0.0)
    sizes = tried(monkeypatch)
    with pytest.raises(Slower, match="a step of 2 takes"):
        train_together(jobs, Report())
    assert sizes == [2]


def test_processes_are_taken_where_they_are_faster(jobs, monkeypatch):
    pretend(monkeypatch, step=HEAVY, step_in_process=0.0, processes=3)
    monkeypatch.setattr(together, "seconds", lambda call, device: 1.0)
    with pytest.raises(Slower, match=r"about 50 s as one program, and 5\.84 s in 3 processes"):
        train_together(jobs, Report(), processes=3)
