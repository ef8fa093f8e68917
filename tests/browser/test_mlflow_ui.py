"""A sweep as a person meets it in MLflow's own pages, in a real browser."""

import signal
import socket
import urllib.request

import pytest
from selenium.webdriver.common.by import By

_NAME = '.ag-cell[col-id="attributes.`Run Name`"]'
_METRIC = '.ag-cell[col-id="metrics.`test/mse`"]'


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def test_a_sweep_is_a_parent_with_its_runs_their_metrics_and_its_pictures(
    cli, start, store, port, desktop, wait_for
):
    words = ["model=vae", "schedule@loss.kl.weight=constant,linear", "seed=1,2", "trainer.epochs=1"]
    server = start("ui", "--port", str(port))
    try:
        outcome = cli("train", "-m", *words, "tracking.wait=60")
        assert outcome.code == 0, outcome
        base = f"http://127.0.0.1:{port}"
        wait_for("the server", lambda: answers(f"{base}/health"))

        desktop.resize(2400, 1000)  # columns out of sight are not drawn
        desktop.open(f"{base}/#/experiments/1/runs")
        (sweep,) = wait_for("the sweep's run", lambda: desktop.find(_NAME))
        assert "sweep-" in sweep.text
        sweep.find_element(By.TAG_NAME, "button").click()
        wait_for("its four runs", lambda: len(desktop.find(_NAME)) == 5)
        assert all("reconstruction+kl-vae-" in name for name in desktop.texts(_NAME)[1:])

        wait_for("the choice of columns", lambda: desktop.click("Columns"))
        wait_for("the metric in it", lambda: desktop.click("test/mse"))
        wait_for("its column", lambda: len(desktop.find(_METRIC)) == 5)
        sweeps_own, *values = desktop.texts(_METRIC)
        assert sweeps_own == "-"
        assert all(0 < float(value) < 1 for value in values)
        desktop.photograph("ui-sweep")

        names = desktop.find(f"{_NAME} a")
        parent, child = (name.get_attribute("href") for name in names[:2])
        desktop.open(child)
        wait_for("the run's metrics", lambda: "test/terms/kl" in desktop.text())
        wait_for("the run's parent", lambda: "Parent run\nsweep-" in desktop.text())
        assert "Finished" in desktop.text()
        desktop.photograph("ui-run")

        desktop.open(f"{parent}/artifacts/plots/parallel.png")
        picture = wait_for("the sweep's picture", lambda: desktop.find("img[src^=blob]"))[0]
        wait_for("all of it", lambda: int(picture.get_property("naturalWidth")) > 500)
        assert {"heatmap.png", "groups.png", "sweep.csv"} <= set(desktop.text().split())
        desktop.photograph("ui-picture")
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)
