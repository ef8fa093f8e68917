"""What every test may use: a place of its own, one thread, and the command line in this process."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

# The smallest real run: a second or so, without MLflow.
TINY = ["model=mlp", "trainer.epochs=2", "tracking=none", "trainer.device=cpu"]


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["COLUMNS"] = "200"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "LOSSLAB_VERBOSITY", "HYDRA_FULL_ERROR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workdir(tmp_path, monkeypatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def as_one_program(monkeypatch) -> None:
    """Runs that can be stacked are, however fast they would be otherwise."""
    monkeypatch.setattr("losslab.training.together.CLEARLY", math.inf)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(workdir, monkeypatch, capsys) -> Callable[..., Outcome]:
    """`losslab ARGUMENTS…` in this process, in an empty directory."""

    def call(*arguments: str) -> Outcome:
        from losslab.cli.main import main

        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["losslab", *arguments])
            patch.setattr(sys, "path", list(sys.path))
            with pytest.raises(SystemExit) as exit_:
                main()
        out, err = capsys.readouterr()
        return Outcome(int(exit_.value.code or 0), out, err)

    return call


@pytest.fixture
def start(workdir) -> Callable[..., "subprocess.Popen[str]"]:
    """`losslab ARGUMENTS…` as a process of its own."""

    def call(*arguments: str, **options) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "losslab", *arguments],
            cwd=workdir,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return call


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """A MLflow database with its tables and nothing in them; making one takes seconds."""
    import mlflow

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}")
    client.search_experiments()
    return path


@pytest.fixture
def store(workdir, empty_store) -> str:
    """The URI of a fresh MLflow store, `mlflow.db` in the current directory."""
    import shutil

    shutil.copy(empty_store, workdir / "mlflow.db")
    return f"sqlite:///{workdir}/mlflow.db"
