"""Runs of a second or less: their configuration, and what they wrote."""

from losslab.cli.compose import compose_config, plain
from losslab.training.journal import read_entries
from losslab.training.stacked_run import Job

TINY = ["model=mlp", "model.width=8", "trainer.epochs=2", "tracking=none", "trainer.device=cpu"]


def config_of(*overrides):
    return plain(compose_config([*TINY, *overrides]))


def job(folder, name, *overrides):
    """A job with a fresh directory."""
    run_dir = folder / name
    run_dir.mkdir()
    return Job(config_of(*overrides), run_dir)


def metrics_in(run_dir):
    """What the run's journal holds, by name and step."""
    rows = [
        row for entry, _ in read_entries(run_dir / "journal.jsonl") for row in entry.get("rows", ())
    ]
    return {(name, step): value for name, value, step, _ in rows}
