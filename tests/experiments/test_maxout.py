"""Maxout units in the MLP: the winning piece gets the gradient, and the rows are learnt."""

import json

import numpy as np
import pytest


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_trace_shows_that_losing_pieces_get_no_gradient(cli, seed):
    outcome = cli("trace", "experiment=maxout", f"seed={seed}", "--json")
    (trace,) = json.loads(outcome.out)["traces"]
    values = {value["name"]: value for value in trace["values"]}
    pieces = np.array(values["layers.0.affine"]["value"]).reshape(4, 2, 2)
    gradient = np.array(values["layers.0.affine"]["gradient"]).reshape(4, 2, 2)
    units = np.array(values["layers.0"]["gradient"])
    np.testing.assert_array_equal(values["layers.0"]["value"], pieces.max(-1))
    won = pieces.argmax(-1)[..., None]
    np.testing.assert_array_equal(np.take_along_axis(gradient, won, -1)[..., 0], units)
    np.testing.assert_array_equal(np.take_along_axis(gradient, 1 - won, -1), 0)
    assert np.any(units)


def test_it_learns_exclusive_or(cli, workdir):
    assert cli("train", "experiment=maxout", "tracking=none").code == 0
    (path,) = workdir.glob("outputs/*/answer.json")
    findings = json.loads(path.read_text())["findings"]
    assert {f["name"]: f["holds"] for f in findings} == dict.fromkeys(
        ("losers_error", "winners", "right", "final_loss"), True
    )


def test_it_learns_digits(cli):
    words = ["experiment=maxout_digits", "trainer.epochs=3", "tracking=none"]
    assert cli("train", *words).code == 0
    values = json.loads(cli("evaluate", "last", "--json").out)
    assert values["accuracy"] > 0.85
