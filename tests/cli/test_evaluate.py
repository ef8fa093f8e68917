"""`losslab evaluate --threshold`: what is printed, and what is refused."""

import json

import pytest

TINY = ["model=linear", "loss=bce", "trainer.epochs=2", "tracking=none", "-q"]


@pytest.mark.parametrize("rule", ["best_f1", "precision>=0.9", "recall>=0.8", "0.37"])
def test_a_threshold_and_what_it_comes_to(cli, rule):
    assert cli("train", *TINY).code == 0
    outcome = cli("evaluate", "last", "--threshold", rule)
    assert outcome.code == 0, outcome
    given = rule == "0.37"
    how = "as given" if given else f"{rule}, chosen on 85 validation samples"
    assert outcome.out.splitlines()[1].endswith(how)
    header = outcome.out.splitlines()[2]
    assert ("  val " in header) == (not given)
    assert "95 % interval" in header
    assert "95 % intervals: Clopper–Pearson" in outcome.out


def test_a_dense_target_has_one_too(cli):
    small = ["data.samples=40", "data.size=16", "data.share=0.05", "model.width=4"]
    words = ["model=unet", "loss=bce", "trainer.epochs=1", "tracking=none", *small]
    assert cli("train", "-q", *words).code == 0
    outcome = cli("evaluate", "last", "--threshold", "best_f1", "--json")
    values = json.loads(outcome.out)
    assert set(values["metrics"]) == {"dice", "iou", "accuracy", "precision", "recall"}
    assert "whole images" in values["method"]


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["data.val=0"], ["--threshold", "best_f1"], "there is none: train with data.val=0.15"),
        ([], ["--threshold", "best_f1", "--split", "val"], "so it can't be judged there"),
        ([], ["--threshold", "best"], "--threshold is best_f1"),
        (
            ["data=digits", "loss=cross_entropy"],
            ["--threshold", "0.4"],
            "for answers of yes or no: here the target is classes",
        ),
        (["data.test=0"], ["--threshold", "0.4"], "the test split is empty"),
    ],
    ids=["no validation", "on validation", "no rule", "classes", "no test"],
)
def test_what_can_not_be_had(cli, words, options, message):
    assert cli("train", *TINY, *words).code == 0
    outcome = cli("evaluate", "last", *options)
    assert outcome.code == 2
    assert message in outcome.err
