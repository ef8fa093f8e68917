import json
from contextlib import ExitStack, closing

import pytest
from losslab.training.journal import Journal, NoJournal, read_curves, read_entries


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


@pytest.fixture
def open_journal(path):
    """Opens the journal, again and again; all are closed in the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Journal(path)))


def entries(path):
    return [entry for entry, _ in read_entries(path)]


def test_what_is_told_is_on_disk_at_once(path, open_journal):
    journal = open_journal()
    journal.start({"seed": 0}, {"loss": "dice"})
    journal.metrics([("train/loss", 0.5, 1)])
    first, second = entries(path)
    assert (first["params"], first["tags"]) == ({"seed": 0}, {"loss": "dice"})
    assert second["rows"][0][:3] == ["train/loss", 0.5, 1]


def test_a_metric_is_never_told_twice_even_after_reopening(path, open_journal):
    journal = open_journal()
    journal.metrics([("loss", 1.0, 1), ("loss", 0.9, 2)])
    journal.metrics([("loss", 0.9, 2)])
    journal.close()
    again = open_journal()
    again.metrics([("loss", 0.9, 2), ("loss", 0.8, 3)])
    steps = [row[2] for entry in entries(path) for row in entry["rows"]]
    assert steps == [1, 2, 3]


def test_a_half_written_line_is_cut_off(path, open_journal):
    journal = open_journal()
    journal.metrics([("loss", 1.0, 1)])
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind":"metrics","rows":[["lo')
    assert len(entries(path)) == 1
    open_journal().close()
    assert path.read_bytes() == whole


def test_numbers_that_json_has_not_are_kept(path, open_journal):
    open_journal().metrics([("loss", float("nan"), 1), ("loss", float("inf"), 2)])
    (entry,) = entries(path)
    assert [row[1] for row in entry["rows"]] == ["nan", "inf"]
    json.loads(path.read_text(), parse_constant=lambda name: 1 / 0)  # no bare NaN


def test_reading_begins_at_an_offset(path, open_journal):
    journal = open_journal()
    journal.start({}, {"a": "1"})
    journal.start({}, {"b": "2"})
    (_, offset), _ = read_entries(path)
    assert [entry["tags"] for entry, _ in read_entries(path, offset)] == [{"b": "2"}]


def test_artifacts_are_named_relative_to_the_journal(path, open_journal):
    open_journal().artifact(path.parent / "plots" / "losses.png", "plots")
    assert entries(path)[0]["path"] == "plots/losses.png"


def test_no_journal_keeps_nothing(workdir):
    journal = NoJournal()
    journal.start({}, {})
    journal.metrics([("loss", 1.0, 1)])
    journal.artifact(workdir / "x")
    journal.end("FINISHED")
    journal.close()
    assert list(workdir.iterdir()) == []


def test_curves_are_every_metric_s_steps_and_values(path, open_journal):
    assert read_curves(path) == {}
    journal = open_journal()
    journal.metrics([("val/f1", 0.5, 4), ("val/loss", 2.0, 4), ("val/f1", 0.75, 8)])
    assert read_curves(path) == {"val/f1": ([4, 8], [0.5, 0.75]), "val/loss": ([4], [2.0])}
