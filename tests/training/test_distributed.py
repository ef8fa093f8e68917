import pytest
import torch
from losslab.errors import UserError
from losslab.training.distributed import World, any_rank, pick_device, process_group, world


def test_a_run_of_its_own_is_rank_0_of_1(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert world() == World(0, 1, 0)
    assert world().is_main


def test_torchrun_tells_the_rank(monkeypatch):
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("RANK", "3"), ("WORLD_SIZE", "4")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert world() == World(3, 4, 1)
    assert not world().is_main


def test_alone_nothing_is_asked_of_others():
    with process_group(World(), torch.device("cpu")):
        assert not torch.distributed.is_initialized()
    assert any_rank(True, World())
    assert not any_rank(False, World())


def test_auto_takes_what_is_there():
    expected = (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    assert pick_device("auto", World()).type == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [("gpu", "is no device: auto, cpu, cuda"), ("xpu", "torch finds no such device here")],
)
def test_no_such_device(name, message):
    with pytest.raises(UserError, match=message):
        pick_device(name, World())
