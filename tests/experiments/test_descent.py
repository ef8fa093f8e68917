"""Steps down ½ (W − 1)²: with the gradient the loss falls, with a constant step it need not."""

import json
from itertools import pairwise

import pytest

STEPS, RATE, START = 12, 0.5, 4.2


@pytest.fixture
def traces(cli):
    outcome = cli("trace", "experiment=descent", "--plot", "--json")
    assert outcome.code == 0, outcome
    return json.loads(outcome.out)["traces"]


def weights(trace):
    return [step["weights"]["weight"][0][0] for step in trace["steps"]]


def rises(trace):
    return [b["loss"] > a["loss"] for a, b in pairwise(trace["steps"])]


def test_each_goes_its_own_way_from_the_same_start(traces, workdir):
    gradient, constant, sign = traces
    rules = ["W − lr · gradient", "W − lr", "W − lr · sign(gradient)"]
    assert [trace["rule"] for trace in traces] == rules
    # Each step halves the distance to 1.
    expected = [1 + (START - 1) * (1 - RATE) ** step for step in range(STEPS + 1)]
    assert weights(gradient) == pytest.approx(expected, abs=1e-5)
    line = [START - RATE * step for step in range(STEPS + 1)]
    assert weights(constant) == pytest.approx(line, abs=1e-5)
    assert weights(sign)[:8] == pytest.approx(line[:8], abs=1e-5)
    assert weights(sign)[8:] == pytest.approx([1.2, 0.7, 1.2, 0.7, 1.2], abs=1e-5)
    assert (workdir / "trace.png").stat().st_size > 10_000


def test_only_with_the_gradient_the_loss_falls_in_every_step(traces):
    gradient, constant, sign = traces
    assert not any(rises(gradient))
    assert rises(constant) == [False] * 6 + [True] * 6
    assert any(rises(sign))
    assert gradient["steps"][-1]["loss"] < 1e-6 < sign["steps"][-1]["loss"]


def test_the_run_answers_with_numbers_and_a_picture(cli, workdir):
    assert cli("train", "experiment=descent", "tracking=none").code == 0
    (path,) = workdir.glob("outputs/*/answer.json")
    answer = json.loads(path.read_text())
    found = {finding["name"]: finding for finding in answer["findings"]}
    assert found["gradient_rises"]["value"] == 0
    assert found["constant_rises"]["value"] == 6
    assert all(finding["holds"] is not False for finding in found.values())
    assert (path.parent / answer["plots"][0]).stat().st_size > 10_000
