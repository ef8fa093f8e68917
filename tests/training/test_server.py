"""A real `mlflow server` over HTTP as the store, stopped and started again during training."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request

import mlflow
import pytest


@pytest.fixture
def server(workdir, empty_store):
    """Starts the server on one port and one database, as often as it is called."""
    import shutil

    shutil.copy(empty_store, workdir / "server.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{workdir}/server.db", "--workers", "1"]
    command += ["--serve-artifacts", "--artifacts-destination", str(workdir / "served")]
    started = []

    def start():
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        started.append(process)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return process
        raise AssertionError("the server did not start")

    def stop(process):
        import os

        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    start.stop = stop
    start.uri = f"http://127.0.0.1:{port}"
    yield start
    for process in started:
        if process.poll() is None:
            stop(process)


_PACED = """
import time
import torch

def paced(logits, target):
    time.sleep(0.01)
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    return bce(logits, target.float(), reduction="none")
"""


def test_nothing_is_lost_when_the_server_goes_away_and_comes_back(workdir, start, server):
    process = server()
    (workdir / "mine.py").write_text(_PACED)
    training = start(
        "train", "model=mlp", "loss=./mine.py:paced", "trainer.epochs=60", "trainer.threads=1",
        "trainer.batch_size=32",
        f"tracking.uri={server.uri}", "tracking.log_every=1", "tracking.wait=60",
    )  # fmt: skip
    client = mlflow.MlflowClient(tracking_uri=server.uri)
    while not (runs := all_runs(client)) or "val/loss" not in runs[0].data.metrics:
        assert training.poll() is None, training.communicate()
        time.sleep(0.2)
    server.stop(process)
    time.sleep(3)
    assert training.poll() is None
    server()
    out, err = training.communicate(timeout=180)
    assert training.returncode == 0, (out, err)
    (run,) = all_runs(client)
    assert run.info.status == "FINISHED"
    history = client.get_metric_history(run.info.run_id, "train/loss")
    assert [m.step for m in history] == list(range(1, 60 * 13 + 1))
    assert len(client.get_metric_history(run.info.run_id, "val/loss")) == 60
    assert {f.path for f in client.list_artifacts(run.info.run_id)} == {
        "config.yaml", "plots", "checkpoints",
    }  # fmt: skip


def all_runs(client):
    experiment = client.get_experiment_by_name("losslab")
    return client.search_runs([experiment.experiment_id]) if experiment else []


def test_training_goes_on_without_a_server(cli, workdir):
    outcome = cli(
        "train",
        "model=mlp",
        "trainer.epochs=2",
        "tracking.uri=http://127.0.0.1:9",
        "tracking.wait=0.5",
    )
    assert outcome.code == 0, outcome
    assert "could be sent to http://127.0.0.1:9" in outcome.out
    (run_dir,) = (workdir / "outputs").iterdir()
    assert (run_dir / "checkpoints/best.pt").exists()
