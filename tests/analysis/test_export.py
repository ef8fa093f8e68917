"""What a run's export leaves behind, and what it does not."""

import shutil

import pytest
import torch
from losslab.analysis.export import export
from losslab.analysis.rebuild import rebuild
from losslab.errors import UserError
from losslab.training.run import run
from losslab.training.tracker import STATE, write_json
from small_runs import config_of, job


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    made = job(tmp_path_factory.mktemp("runs"), "run", "data=breast_cancer", "loss=bce")
    run(made.config, made.run_dir)
    return made.config, made.run_dir


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_file_holds_the_weights_of_the_checkpoint_asked_for(trained, tmp_path):
    (found,) = export(*trained, ["torch"], tmp_path / "new" / "folder", "last")
    assert everything(tmp_path) == ["new", "new/folder", "new/folder/model.pt2"]
    assert (found.format, found.path) == ("torch", tmp_path / "new" / "folder" / "model.pt2")
    assert found.size == found.path.stat().st_size
    assert found.difference <= 1e-6
    assert (found.rows, found.split, found.logged, found.note) == (16, "test", "", "")
    parts, _ = rebuild(*trained, "last")
    rows = next(parts.source.batches("test", 9))["input"]
    with torch.no_grad():
        expected = parts.step.model.eval()(rows)
    program = torch.export.load(found.path).module()
    torch.testing.assert_close(program(rows)["logits"], expected)


def test_what_is_there_is_kept_until_it_may_be_replaced(trained, tmp_path):
    (tmp_path / "model.pt2").write_text("mine")
    with pytest.raises(UserError, match=r"there is already .*model.pt2: add --overwrite"):
        export(*trained, ["torch"], tmp_path)
    assert (tmp_path / "model.pt2").read_text() == "mine"
    (found,) = export(*trained, ["torch"], tmp_path, overwrite=True)
    assert torch.export.load(found.path)
    assert everything(tmp_path) == ["model.pt2"]


@pytest.mark.parametrize("name", ["f.txt", "f.txt/sub"])
def test_a_file_is_no_folder_to_export_to(trained, tmp_path, name):
    (tmp_path / "f.txt").write_text("mine")
    with pytest.raises(UserError, match=r"f.txt.* is a file: expected a folder$"):
        export(*trained, ["torch"], tmp_path / name, overwrite=True)
    assert (tmp_path / "f.txt").read_text() == "mine"


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_a_folder_replaces_whatever_has_its_name(trained, tmp_path, there):
    target, other = tmp_path / "exports" / "mlflow", tmp_path / "other"
    target.parent.mkdir()
    other.mkdir()
    (other / "mine").write_text("mine")
    if there == "file":
        target.write_text("old")
    elif there == "folder":
        shutil.copytree(other, target)
    else:
        target.symlink_to(other)
    (found,) = export(*trained, ["mlflow"], target.parent, overwrite=True)
    assert (found.path / "MLmodel").exists()
    assert not (found.path / "mine").exists()
    assert everything(other) == ["mine"]


def test_a_format_of_no_name_is_refused(trained, tmp_path):
    with pytest.raises(UserError, match="--to must be torch, onnx, mlflow; got tensorrt"):
        export(*trained, ["tensorrt"], tmp_path)


def test_a_store_that_is_away_is_a_note_beside_the_model(trained, tmp_path):
    config, run_dir = trained
    own = shutil.copytree(run_dir, tmp_path / "run")
    write_json(own / STATE, {"uri": "sqlite:///gone/mlflow.db", "run_id": "0123"})
    (found,) = export(config, own, ["mlflow"], tmp_path / "exports")
    assert (found.path / "MLmodel").exists()
    assert found.logged == ""
    assert found.note.endswith("the store sqlite:///gone/mlflow.db is not there any more")


BRANCHES = """
from torch import nn

class Branches(nn.Linear):
    def __init__(self, in_features, outputs):
        super().__init__(in_features, outputs)

    def forward(self, input):
        answer = super().forward(input)
        return answer if answer.mean() > 0 else -answer
"""


def test_of_a_failure_nothing_is_left(workdir):
    (workdir / "net.py").write_text(BRANCHES)
    config = config_of("data=breast_cancer", "loss=bce")
    config["model"] = {"_target_": "net.py:Branches"}
    run_dir = workdir / "run"
    run_dir.mkdir()
    run(config, run_dir)
    with pytest.raises(UserError, match="model Branches can't be exported"):
        export(config, run_dir, ["torch"], workdir / "exports" / "run")
    assert not (workdir / "exports").exists()
