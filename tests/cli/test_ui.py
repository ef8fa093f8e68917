"""`losslab ui` against the real MLflow server."""

import json
import re
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(url: str, body: dict | None = None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def wait_for(url: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            ask(url)
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


def test_it_lists_the_runs_with_metrics_params_and_artifacts(cli, start, store, port):
    assert cli("train", "-q", "model=mlp", "trainer.epochs=2").code == 0
    server = start("ui", "--port", str(port))
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(f"{base}/health")
        assert "<title>MLflow</title>" in ask(base)
        api = f"{base}/api/2.0/mlflow"
        experiment = json.loads(ask(f"{api}/experiments/get-by-name?experiment_name=losslab"))
        ids = [experiment["experiment"]["experiment_id"]]
        (run,) = json.loads(ask(f"{api}/runs/search", {"experiment_ids": ids}))["runs"]
        assert run["info"]["status"] == "FINISHED"
        assert {"val/f1", "train/loss", "test/f1"} <= {m["key"] for m in run["data"]["metrics"]}
        assert {"key": "trainer.epochs", "value": "2"} in run["data"]["params"]
        run_id = run["info"]["run_id"]
        plots = json.loads(ask(f"{api}/artifacts/list?run_id={run_id}&path=plots"))["files"]
        assert "plots/losses.png" in [f["path"] for f in plots]
        picture = f"{base}/get-artifact?run_id={run_id}&path=config.yaml"
        assert re.search(r"epochs: 2", ask(picture))
    finally:
        server.send_signal(signal.SIGINT)
        out, _ = server.communicate(timeout=30)
    assert f"MLflow UI at http://127.0.0.1:{port}" in out


def test_a_port_in_use_is_said(cli, store):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        outcome = cli("ui", "--port", str(number))
    assert outcome.code == 2
    assert f"port {number} can't be used" in outcome.err


def test_a_server_is_pointed_to(cli):
    outcome = cli("ui", "--uri", "http://127.0.0.1:5001")
    assert outcome.code == 0
    assert "open http://127.0.0.1:5001" in outcome.out
