"""An expensive confusion that a cost matrix avoids, and cells that a border map keeps apart."""

import json

import pytest
import torch
from losslab.experiments.cost_matrix import separated

SHORT = [
    *("tracking=none", "data.samples=60", "data.size=40", "data.cells=6"),
    *("trainer.epochs=10", "trainer.batch_size=4", "optimizer.lr=0.01", "model.depth=2"),
]


def train(cli, workdir, name, *overrides):
    outcome = cli("train", *overrides, *SHORT, f"name={name}")
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").glob(f"{name}*")
    assert (run_dir / "plots" / "confusion.png").exists()
    found = json.loads((run_dir / "answer.json").read_text())["findings"]
    return {finding["name"]: finding["value"] for finding in found}


def test_the_expensive_error_falls_and_its_reverse_rises(cli, workdir):
    costly = train(cli, workdir, "costly", "experiment=cost_matrix")
    matrix = "loss.cost_weighted_cross_entropy.cost_matrix=null"
    plain = train(cli, workdir, "plain", "experiment=cost_matrix", matrix)
    assert costly["expensive_error"] < 0.5 * plain["expensive_error"]
    assert costly["cheap_error"] > plain["cheap_error"]


def test_cells_stay_apart_with_the_border_map(cli, workdir):
    border = train(cli, workdir, "border", "experiment=cost_matrix_border")
    plain = train(
        cli, workdir, "plain", "experiment=cost_matrix_border", "data.border_weight=false"
    )
    assert border["separated"] > plain["separated"] + 0.1


@pytest.mark.parametrize(
    ("found", "share"),
    [
        pytest.param([1, 1, 1, 0, 1, 1, 1], 1.0, id="as they are"),
        pytest.param([1, 1, 1, 1, 1, 1, 1], 0.0, id="joined"),
        pytest.param([1, 1, 1, 0, 0, 0, 0], 0.5, id="one missed"),
        pytest.param([1, 1, 0, 0, 0, 0, 1], 0.5, id="one found by a third"),
        pytest.param([0, 0, 0, 0, 0, 0, 0], 0.0, id="none"),
    ],
)
def test_a_cell_is_found_alone_if_a_patch_overlaps_it_by_more_than_half(found, share):
    cells = torch.tensor([[[1, 1, 1, 0, 1, 1, 1]]]).bool()
    assert separated(cells, torch.tensor([[found]]).bool()) == share


def test_without_cells_none_is_found():
    empty = torch.zeros(1, 3, 3, dtype=torch.bool)
    assert separated(empty, empty) == 0.0
