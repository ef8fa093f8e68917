import os
import resource
import signal
import time

import pytest
import torch
from losslab.errors import UserError
from losslab.training import checkpoint

STATE = {"model": {"weight": torch.ones(3)}, "progress": {"epoch": 2}}


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "checkpoints" / "last.pt"
    checkpoint.save(STATE, path)
    loaded = checkpoint.load(path)
    assert torch.equal(loaded["model"]["weight"], torch.ones(3))
    assert loaded["progress"] == {"epoch": 2}
    assert [p.name for p in path.parent.iterdir()] == ["last.pt"]


@pytest.fixture
def small_disk():
    """No file may grow beyond 64 KiB: writing one fails in the middle, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, small_disk):
    path = tmp_path / "last.pt"
    checkpoint.save(STATE, path)
    large = {"model": {"weight": torch.zeros(100_000)}}
    with pytest.raises(UserError, match=r"could not be written: .*; the last good one is"):
        checkpoint.save(large, path)
    assert torch.equal(checkpoint.load(path)["model"]["weight"], torch.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "checkpoints").write_text("a file where the folder belongs")
    with pytest.raises(UserError, match=r"could not be written.*there is no earlier one"):
        checkpoint.save(STATE, tmp_path / "checkpoints" / "last.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"not a checkpoint", "can't be read", id="garbage"),
        pytest.param(None, "there is no checkpoint", id="absent"),
    ],
)
def test_an_unreadable_checkpoint_is_an_error(tmp_path, content, message):
    path = tmp_path / "last.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        checkpoint.load(path)


def test_a_truncated_checkpoint_is_an_error(tmp_path):
    path = tmp_path / "last.pt"
    checkpoint.save(STATE, path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(UserError, match="it is damaged or no checkpoint"):
        checkpoint.load(path)


def test_a_file_of_something_else_is_an_error(tmp_path):
    path = tmp_path / "last.pt"
    torch.save({"weights": 1}, path)
    with pytest.raises(UserError, match="holds no losslab checkpoint"):
        checkpoint.load(path)


def test_a_checkpoint_runs_no_code(tmp_path):
    path = tmp_path / "last.pt"
    torch.save({"model": {}, "evil": os.system}, path)
    with pytest.raises(UserError, match="UnpicklingError"):
        checkpoint.load(path)


def test_a_checkpoint_of_another_model_is_an_error(tmp_path):
    state = {"model": torch.nn.Linear(3, 2).state_dict()}
    checkpoint.check_fits(torch.nn.Linear(3, 2), state, tmp_path)
    with pytest.raises(UserError, match=r"of another model: 1 of 2 tensors .*weight is \(2, 3\)"):
        checkpoint.check_fits(torch.nn.Linear(4, 2), state, tmp_path)


def test_checkpoints_take_a_twentieth_of_the_time_and_none_is_lost():
    written = []

    def slow(name, state):
        time.sleep(0.02)
        written.append((name, state["step"]))

    saver = checkpoint.Saver(slow)
    for step in range(200):
        saver.save("last", {"step": step})
    assert written == [("last", 0)]
    saver.flush()
    assert written == [("last", 0), ("last", 199)]


def test_the_best_is_written_before_the_last_that_refers_to_it():
    written = []
    saver = checkpoint.Saver(lambda name, state: written.append(name))
    saver.save("best", {}, now=True)
    saver._next = float("inf")
    saver.save("best", {})
    saver.save("last", {}, now=True)
    assert written == ["best", "best", "last"]
