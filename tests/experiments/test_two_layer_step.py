"""One step of a 2-2-1 net, as it was asked for: the numbers stand in the question."""

import json

import pytest


@pytest.fixture
def traces(cli):
    outcome = cli("trace", "experiment=two_layer_step", "--json")
    assert outcome.code == 0, outcome
    return json.loads(outcome.out)["traces"]


def near(numbers):
    return pytest.approx(numbers, abs=5e-7)


def flat(table):
    return [number for row in table for number in row]


def test_the_step_with_the_absolute_error(traces):
    step = traces[0]
    hidden, prediction = step["values"]
    assert flat(hidden["value"]) == near([0.85, 0.48])
    assert flat(prediction["value"]) == near([0.191])
    start, end = step["steps"]
    assert start["loss"] == near(0.809)
    first, second = start["gradients"].values()
    assert flat(first) == near([-0.28, -0.42, -0.30, -0.45])
    assert flat(second) == near([-0.85, -0.48])
    first, second = end["weights"].values()
    assert flat(first) == near([0.124, 0.231, 0.135, 0.1025])
    assert flat(second) == near([0.1825, 0.174])


def test_half_the_squared_error_makes_another_step_and_why(traces):
    squared = traces[1]
    assert flat(squared["steps"][1]["weights"]["layers.1.weight"]) == pytest.approx(
        [0.1744, 0.1694], abs=5e-5
    )
    slopes = [trace["values"][-1]["formula"] for trace in traces]
    assert slopes == ["sign(prediction − target)", "prediction − target"]
    assert flat(squared["values"][-1]["gradient"]) == near([0.191 - 1])


def test_it_is_printed(cli):
    text = cli("trace", "experiment=two_layer_step").out
    for number in ("0.85  0.48", "0.191", "0.809", "−0.28  −0.42", "−0.85  −0.48"):
        assert number in text
    for weights in ("0.124  0.231", "0.135  0.1025", "0.1825  0.174", "0.1744  0.1694"):
        assert weights in text


def test_the_run_answers_with_the_same(cli, workdir):
    outcome = cli("train", "experiment=two_layer_step", "tracking=none")
    assert outcome.code == 0, outcome
    (path,) = workdir.glob("outputs/*/answer.json")
    found = {f["name"]: f for f in json.loads(path.read_text())["findings"]}
    assert found["output_weights"]["value"] == "0.1825 0.174"
    assert found["squared_weights"]["value"] == "0.1744 0.1694"
    assert found["gradient_ratio"]["value"] == pytest.approx(0.809)
    assert all(finding["holds"] is not False for finding in found.values())
    # The weights that the run has learnt are those of the trace.
    import torch

    (checkpoint,) = workdir.glob("outputs/*/checkpoints/last.pt")
    model = torch.load(checkpoint, weights_only=True)["model"]
    assert flat(model["layers.1.weight"].tolist()) == near([0.1825, 0.174])
