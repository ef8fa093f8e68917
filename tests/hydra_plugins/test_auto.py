"""A sweep's jobs in processes: what comes of them, however they end."""

import json
import os
import signal
import subprocess
import time

import pytest
from conftest import TINY

IN_PROCESSES = ["hydra.launcher.max_width=1", "hydra.launcher.workers=2"]
HERE = ["hydra.launcher.max_width=1", "hydra.launcher.workers=1"]
LONG = ["model=mlp", "tracking=none", "trainer.epochs=100000", "trainer.threads=1"]


def runs_of(workdir):
    """Each run's summary, by its directory."""
    return {p.parent: json.loads(p.read_text()) for p in workdir.glob("outputs/*/*/run.json")}


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def workers_of(process):
    """The ids of its worker processes."""
    listing = subprocess.run(
        ["ps", "-ax", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    own = [(int(pid), what) for pid, parent, what in rows if int(parent) == process.pid]
    return [pid for pid, what in own if "spawn_main" in what]


def test_each_job_is_what_it_is_in_this_process(cli, workdir):
    words = ["optimizer=sgd", "optimizer.lr=0.01,1e30", *TINY]
    outcome = cli("train", "-m", *words, *IN_PROCESSES)
    assert outcome.code == 1, outcome
    assert "2 runs in 2 processes" in outcome.out
    assert "optimizer.lr=0.01  val/f1" in outcome.out
    assert "1 of the sweep's runs failed" in outcome.err
    assert "not finite" in outcome.err
    states = sorted(run["status"] for run in runs_of(workdir).values())
    assert states == ["FAILED", "FINISHED"]
    there = {run["identity"]: run["metrics"] for run in runs_of(workdir).values() if "best" in run}
    here = cli("train", "-m", *words, *HERE, "--fresh")
    assert "processes" not in here.out
    for run in runs_of(workdir).values():
        if run["status"] == "FINISHED":
            assert run["metrics"] == pytest.approx(there[run["identity"]], rel=1e-6)


def test_a_worker_that_is_killed_takes_only_its_own_job_along(start, workdir):
    words = ["seed=1,2,3", "model=mlp", "tracking=none", "trainer.epochs=200", "trainer.threads=1"]
    process = start("train", "-m", *words, *IN_PROCESSES)
    wait_for(lambda: len(runs_of(workdir)) >= 2, process)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, (out, err)
    assert "ended by SIGKILL, perhaps for want of memory" in err
    assert "1 of the sweep's runs failed" in err
    states = sorted(run["status"] for run in runs_of(workdir).values())
    assert states == ["FINISHED", "FINISHED", "KILLED"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_in_good_order(number, start, workdir):
    process = start("train", "-m", "seed=1,2,3", *LONG, *IN_PROCESSES)
    wait_for(lambda: len(runs_of(workdir)) == 2, process)
    workers = workers_of(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, (out, err)
    assert "the rest of the sweep was not started" in err
    assert "Traceback" not in err
    runs = runs_of(workdir)
    assert [run["status"] for run in runs.values()] == ["KILLED"] * 2
    assert all(number.name in run["reason"] for run in runs.values())
    assert all((run_dir / "checkpoints/last.pt").exists() for run_dir in runs)
    assert len(workers) == 2
    assert not any(_lives(worker) for worker in workers)


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("way", [IN_PROCESSES, HERE], ids=["in_processes", "here"])
def test_a_sweep_that_was_killed_goes_on_where_it_was(way, start, workdir):
    command = (
        "train", "-m", "seed=1,2,3,4,5", "model=mlp", "tracking=none", "trainer.epochs=40",
        "trainer.threads=1", *way,
    )  # fmt: skip
    process = start(*command)

    def in_the_midst():
        runs = runs_of(workdir)
        running = [d for d, run in runs.items() if run["status"] == "RUNNING"]
        begun = [d for d in running if (d / "checkpoints/last.pt").exists()]
        return len(runs) - len(running) >= 2 and begun

    wait_for(in_the_midst, process)
    workers = workers_of(process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    end = time.monotonic() + 20
    while any(_lives(worker) for worker in workers):  # they end with it
        assert time.monotonic() < end
        time.sleep(0.05)
    before = runs_of(workdir)
    finished = [d for d, run in before.items() if run["status"] == "FINISHED"]
    begun = [d for d in before if d not in finished and (d / "checkpoints/last.pt").exists()]
    journals = {d: (d / "journal.jsonl").stat().st_mtime_ns for d in finished}
    out, err = start(*command).communicate(timeout=120)
    after = runs_of(workdir)
    states = [run["status"] for run in after.values()]
    assert states.count("FINISHED") == 5, (out, err)
    assert all(after[run_dir]["status"] == "FINISHED" for run_dir in begun)
    assert journals == {d: (d / "journal.jsonl").stat().st_mtime_ns for d in finished}


def test_a_choice_that_is_not_there_is_one_failed_job(cli, workdir):
    outcome = cli("train", "-m", "loss=bce,focalx", "seed=1,2", *TINY, *HERE)
    assert outcome.code == 1, outcome
    assert "2 of the sweep's runs failed" in outcome.err
    assert "unknown loss 'focalx'. Did you mean focal?" in outcome.err
    assert [run["status"] for run in runs_of(workdir).values()] == ["FINISHED"] * 2
    (sweep,) = workdir.glob("outputs/*/sweep.json")
    assert json.loads(sweep.read_text())["status"] == "FAILED"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["loss=bcex,focalx"], "unknown loss 'bcex'. Did you mean bce?"),
        (["trainer.epoch=1,2"], "unknown key trainer.epoch. Did you mean trainer.epochs?"),
        (["trainer.epochs=-1,0"], "trainer.epochs must be at least 1; got -1"),
    ],
    ids=["choice", "key", "value"],
)
def test_where_all_are_wrong_the_command_is(words, message, cli, workdir):
    outcome = cli("train", "-m", *TINY[:1], *TINY[2:], *words)
    assert outcome.code == 2, outcome
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not runs_of(workdir)


def test_a_job_that_failed_is_started_anew_by_the_same_command(cli, workdir):
    words = ["train", "-m", "optimizer=sgd", "optimizer.lr=0.01,1e30", *TINY, *HERE]
    assert cli(*words).code == 1
    before = runs_of(workdir)
    outcome = cli(*words)
    assert outcome.code == 1, outcome
    after = runs_of(workdir)
    assert sorted(run["status"] for run in before.values()) == ["FAILED", "FINISHED"]
    (again,) = after.keys() - before.keys()
    assert after[again]["status"] == "FAILED"
    assert "resumed" not in outcome.out


def test_watched_runs_stay_in_this_process(monkeypatch):
    from losslab.cli.alone import Task, most_processes
    from losslab.training.pruning import watching
    from losslab.training.stacked_run import Job
    from losslab.training.sweeps import identity

    monkeypatch.setattr("losslab.training.pace.cores", lambda: 8)
    tasks = [Task(Job({"seed": seed}, None), f"seed={seed}") for seed in range(3)]
    assert most_processes(tasks) == 3
    assert most_processes(tasks[:1]) == 1
    with watching({identity({"seed": 1}): lambda epoch, value: False}):
        assert most_processes(tasks) == 1
