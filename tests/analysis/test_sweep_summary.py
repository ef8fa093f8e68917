"""What a sweep leaves behind beside its runs."""

import csv

from kept_runs import config, keep_run, keep_sweep, loss
from losslab.analysis.sweep_summary import write_summary


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_a_row_per_run_with_what_differs_and_all_digits(tmp_path):
    sweep = keep_sweep(tmp_path, {1 / 3: [0.1, 0.2], 0.5: [0.3, 0.4]})
    keep_run(sweep / "lost", config(3, 0.5), None)
    table = write_summary(sweep)[0]
    assert table == sweep / "sweep.csv"
    rows = rows_of(table)
    assert list(rows[0]) == ["run", "status", "optimizer.lr", "seed", "test/f1", "test/loss"]
    assert len(rows) == 5
    assert float(rows[0]["optimizer.lr"]) == 1 / 3
    (lost,) = [row for row in rows if row["run"] == "lost"]
    assert (lost["status"], lost["test/f1"]) == ("FAILED", "")


def test_a_part_is_named_and_what_a_run_does_not_have_is_empty(tmp_path):
    keep_run(tmp_path / "sweep-1" / "a", config(loss=loss("bce")))
    keep_run(tmp_path / "sweep-1" / "b", config(loss={**loss("bce"), **loss("dice")}))
    rows = rows_of(write_summary(tmp_path / "sweep-1")[0])
    assert [row["loss"] for row in rows] == ["bce", "bce+dice"]


def test_pictures_stand_beside_it(tmp_path):
    sweep = keep_sweep(tmp_path, {0.1: [0.1, 0.2], 0.5: [0.3, 0.4]})
    written = write_summary(sweep)[1:]
    assert [path.name for path in written] == ["groups.png", "parallel.png", "heatmap.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_of_seeds_alone_there_is_one_picture_and_no_old_one_is_left(tmp_path):
    sweep = keep_sweep(tmp_path, {0.1: [0.1, 0.2]})
    (sweep / "plots").mkdir()
    (sweep / "plots" / "heatmap.png").touch()
    assert [path.name for path in write_summary(sweep)] == ["sweep.csv", "groups.png"]
    assert [path.name for path in (sweep / "plots").iterdir()] == ["groups.png"]


def test_where_nothing_can_be_compared_there_is_the_table_only(tmp_path):
    keep_run(tmp_path / "sweep-1" / "a", config(), None)
    assert [path.name for path in write_summary(tmp_path / "sweep-1")] == ["sweep.csv"]


def test_a_sweep_whose_jobs_all_failed_before_they_were_runs_has_an_empty_table(tmp_path):
    (tmp_path / "sweep-1").mkdir()
    (tmp_path / "sweep-1" / "sweep.json").write_text("{}")
    (table,) = write_summary(tmp_path / "sweep-1")
    assert table.read_text() == "run,status\n" or table.read_text() == "run,status\r\n"
