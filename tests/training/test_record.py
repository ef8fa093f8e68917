"""The store's address, and the directory of a run."""

import pytest
from losslab.errors import UserError
from losslab.training.config import TrackingConfig
from losslab.training.record import NoRecord, Record, store_uri


def test_the_default_store_is_a_database_here(workdir):
    assert store_uri(TrackingConfig()) == f"sqlite:///{workdir}/mlflow.db"


def test_the_environment_names_another_and_the_setting_wins(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert store_uri(TrackingConfig()) == "http://127.0.0.1:5000"
    assert store_uri(TrackingConfig(uri="http://127.0.0.1:1")) == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("./mlruns", "is no store that MLflow writes runs to"),
        ("ftp://somewhere", "is no store that MLflow writes runs to"),
        ("sqlite:///absent/mlflow.db", "there is no folder"),
        ("sqlite:///folder", "is a folder, not a file"),
        ("sqlite:///notes.txt", "is no SQLite database"),
    ],
)
def test_what_can_not_be_a_store(workdir, uri, message):
    (workdir / "folder").mkdir()
    (workdir / "notes.txt").write_text("nothing like a database")
    with pytest.raises(UserError, match=message):
        store_uri(TrackingConfig(uri=uri))


def test_a_store_without_permission(workdir, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(UserError, match=r"no permission to write .* or tracking=none"):
        store_uri(TrackingConfig())


def test_an_untracked_run_keeps_its_journal_and_starts_no_tracker(workdir):
    run_dir = workdir / "run"
    run_dir.mkdir()
    record = Record(run_dir, TrackingConfig(enabled=False))
    record.begin({"seed": 0}, {})
    record.finish("FINISHED")
    assert record.wait_until_sent(1.0) is None
    assert (record.run_id, record.uri) == (None, None)
    record.close()
    assert (run_dir / "journal.jsonl").read_text().count("\n") == 3
    assert not (run_dir / "tracking.json").exists()


def test_no_record_keeps_nothing(workdir):
    record = NoRecord(workdir / "run", TrackingConfig(enabled=False))
    record.begin({"seed": 0}, {})
    record.finish("FINISHED")
    assert record.draw_plots() == []
    record.close()
    record.discard()
    assert list(workdir.iterdir()) == []
