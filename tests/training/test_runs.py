import json

import pytest
from losslab.errors import UserError
from losslab.training.runs import find_run, read_config


def make(runs_dir, name, started, best=None, run_id=None, monitor="val/f1", data="a"):
    folder = runs_dir / name
    folder.mkdir(parents=True)
    summary = {"name": folder.name, "started": started, "best": best}
    summary |= {"monitor": monitor, "data": data}
    (folder / "run.json").write_text(json.dumps(summary))
    (folder / "tracking.json").write_text(json.dumps({"run_id": run_id}))
    return folder


@pytest.fixture
def runs(tmp_path):
    made = {
        "dice": make(tmp_path, "dice-unet-3fa91c", 1.0, best=0.9, run_id="abc123"),
        "bce": make(tmp_path, "bce-unet-77aa00", 2.0, best=0.95, run_id="abd456"),
        "other": make(tmp_path, "bce-mlp-000000", 3.0, best=0.99, data="b"),
        "swept": make(tmp_path, "sweep-1/focal-unet-123456", 4.0, best=0.7, run_id="fff999"),
    }
    return tmp_path, made


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("last", "swept"),
        ("best", "bce"),
        ("dice-unet-3fa91c", "dice"),
        ("dice", "dice"),
        ("abc", "dice"),
        ("abd456", "bce"),
        ("focal", "swept"),
    ],
)
def test_a_run_is_found_by_name_id_prefix_last_or_best(runs, which, expected):
    folder, made = runs
    assert find_run(which, folder) == made[expected]


def test_a_directory_is_a_run_too(runs):
    folder, made = runs
    assert find_run(str(made["dice"]), folder / "elsewhere") == made["dice"]


def test_the_best_of_a_loss_is_the_smallest(tmp_path):
    make(tmp_path, "a", 1.0, best=3.0, monitor="val/loss")
    make(tmp_path, "b", 2.0, best=1.0, monitor="val/loss")
    make(tmp_path, "c", 3.0, best=2.0, monitor="val/loss")
    assert find_run("best", tmp_path).name == "b"


@pytest.mark.parametrize(
    ("which", "message"),
    [
        pytest.param("ab", r"2 runs begin with 'ab'.*Give more of the name", id="ambiguous"),
        pytest.param("dcie-unet", r"no run 'dcie-unet'.*Did you mean dice-unet-3fa91c", id="near"),
        pytest.param("zzz", r"no run 'zzz'.*The latest is focal-unet-123456", id="none"),
    ],
)
def test_no_run_or_several_are_errors(runs, which, message):
    with pytest.raises(UserError, match=message):
        find_run(which, runs[0])


def test_no_runs_at_all(tmp_path):
    with pytest.raises(UserError, match="there are no runs"):
        find_run("last", tmp_path)


def test_no_best_without_a_finished_epoch(tmp_path):
    make(tmp_path, "a", 1.0)
    with pytest.raises(UserError, match="no run here has finished an epoch"):
        find_run("best", tmp_path)


def test_a_directory_without_configuration(tmp_path):
    with pytest.raises(UserError, match=r"holds no config\.yaml"):
        read_config(tmp_path)
