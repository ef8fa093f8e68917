"""`losslab export`: what is printed, what is refused, and a served model asked over HTTP."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

TINY = ["model=mlp", "model.width=8", "trainer.epochs=2", "-q"]


def test_a_line_for_the_file_and_how_it_is_used(cli, workdir):
    assert cli("train", *TINY, "tracking=none", "name=first").code == 0
    outcome = cli("export", "last")
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").iterdir()
    path = f"exports/{run_dir.name}/model.pt2"
    title, line, further = outcome.out.splitlines()
    assert title == f"{run_dir.name}, best checkpoint"
    expected = rf"torch +{path} +\d+ KiB +largest difference \S+ on 16 rows of test"
    assert re.fullmatch(expected, line.strip())
    assert further == f'next: answers = torch.export.load("{path}").module()(input)'
    known = {"torch": torch, "input": torch.zeros(2, 30)}
    answers = eval(further.removeprefix("next: answers = "), known)
    assert answers["logits"].shape == (2, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "no run 'nothing'"),
        (["last", "--to", "tensorrt"], "--to must be torch, onnx, mlflow; got tensorrt"),
        (["last", "--checkpoint", "first"], "--checkpoint must be best or last; got first"),
        (["last", "-o", "here"], "there is already here/model.pt2: add --overwrite"),
        (["last", "-o", "here/model.pt2/x"], "is in here/model.pt2, which is a file: expected a"),
    ],
    ids=["no run", "no format", "no checkpoint", "there already", "no folder"],
)
def test_what_can_not_be_had(cli, workdir, words, message):
    assert cli("train", *TINY, "tracking=none").code == 0
    (workdir / "here").mkdir()
    (workdir / "here" / "model.pt2").write_text("mine")
    outcome = cli("export", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not (workdir / "exports").exists()


# Served


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def serve(workdir, port):
    """`mlflow models serve` on a folder; posts a body to it, and gives the answer."""
    started = []

    def call(folder: str):
        command = ["-m", "mlflow", "models", "serve", "-m", folder, "--env-manager", "local"]
        # MLflow starts `uvicorn` by its name.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        started.append(
            subprocess.Popen(
                [sys.executable, *command, "-h", "127.0.0.1", "-p", str(port)],
                env={**os.environ, "PATH": path},
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        wait_for(f"http://127.0.0.1:{port}/ping", started[0])
        return lambda body: post(f"http://127.0.0.1:{port}/invocations", body)

    yield call
    for server in started:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=10).close()
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end or server.poll() is not None:
                raise
            time.sleep(0.2)
        else:
            return


def post(url: str, body: dict) -> tuple[int, dict]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def patients(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, dose = rng.integers(20, 90, rows), rng.normal(5, 2, rows)
    ward = rng.choice(["north", "south"], rows)
    well = np.where(age / 20 - dose + (ward == "south") + rng.normal(0, 1, rows) > 0, "no", "yes")
    smokes = rng.choice([True, False], rows)
    return pd.DataFrame({"age": age, "dose": dose, "ward": ward, "smokes": smokes, "well": well})


def test_a_served_model_answers_as_losslab_predict_does(cli, workdir, store, serve):
    patients(120, 0).to_csv("patients.csv", index=False)
    data = ["data=csv", "data.path=patients.csv", "data.target=well", "loss=bce"]
    assert cli("train", *TINY, *data).code == 0
    outcome = cli("export", "last", "--to", "mlflow", "-o", "served")
    assert outcome.code == 0, outcome
    further = "next: mlflow models serve -m served/mlflow --env-manager local"
    assert further in outcome.out.splitlines()
    assert re.search(r"^in MLflow as models:/m-\w+$", outcome.out, re.MULTILINE)

    new = patients(9, 1).drop(columns="well")
    new.to_csv("new.csv", index=False)
    assert cli("predict", "last", "new.csv", "-o", "answers").code == 0
    expected = pd.read_csv("answers/new.csv")[["prediction", "probability_yes"]]
    (workdir / "outputs").rename(workdir / "gone")

    ask = serve("served/mlflow")
    rows = new.to_dict(orient="split", index=False)
    code, answer = ask({"dataframe_split": rows})
    assert code == 200, answer
    found = pd.DataFrame(answer["predictions"])
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-6)

    # A number is a number, though the file held whole ones only.
    half = {**rows, "data": [[40.5, *row[1:]] for row in rows["data"]]}
    _, answer = ask({"dataframe_split": half})
    whole = {**rows, "data": [[40, *row[1:]] for row in rows["data"]]}
    assert answer != ask({"dataframe_split": whole})[1]

    code, answer = ask({"dataframe_split": {**rows, "data": [[None, *rows["data"][0][1:]]]}})
    assert code == 400
    assert "missing values: age 1" in json.dumps(answer)
