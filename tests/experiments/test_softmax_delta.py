"""Where "output − target" is: by the logits, on either way."""

import json

import numpy as np
import pytest

P = np.exp([1, 2, 0.5]) / np.exp([1, 2, 0.5]).sum()  # the preset's logits
DELTA = P - [0, 0, 1]


@pytest.fixture
def traces(cli):
    outcome = cli("trace", "experiment=softmax_delta", "--json")
    assert outcome.code == 0, outcome
    return json.loads(outcome.out)["traces"]


def value(trace, name):
    return next(value for value in trace["values"] if value["name"] == name)


def test_the_gradient_by_the_logits_is_softmax_minus_target_on_both_ways(traces):
    for trace in traces:
        logits = value(trace, "logits")
        np.testing.assert_allclose(logits["gradient"], [DELTA], atol=1e-6)
        assert logits["formula"] == "softmax(logits) − target"
    assert [trace["label"] for trace in traces] == ["cross_entropy", "log_loss"]


def test_through_the_probabilities_it_is_the_product_of_the_chain(traces):
    direct, chained = (value(trace, "probability") for trace in traces)
    assert direct["gradient"] is None  # cross-entropy takes the logits
    by_p, jacobian = np.array(chained["gradient"][0]), np.array(chained["jacobian"][0])
    np.testing.assert_allclose(by_p, [0, 0, -1 / P[2]], rtol=1e-5)
    np.testing.assert_allclose(jacobian, np.diag(P) - np.outer(P, P), atol=1e-6)
    np.testing.assert_allclose(by_p @ jacobian, DELTA, atol=1e-6)


def test_the_run_answers_that_it_is_so(cli, workdir):
    assert cli("train", "experiment=softmax_delta", "tracking=none").code == 0
    (path,) = workdir.glob("outputs/*/answer.json")
    findings = json.loads(path.read_text())["findings"]
    gaps = [finding for finding in findings if finding["name"].endswith("_gap")]
    assert len(gaps) == 4
    assert all(finding["holds"] for finding in gaps)
