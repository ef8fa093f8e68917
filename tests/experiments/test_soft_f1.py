"""Row `soft_f1`: precision as a loss, by decisions, by probabilities, and with a floor."""

import json

import pytest

HERE = "losslab.experiments.soft_f1"
SHORT = ["experiment=soft_f1", "tracking=none", "-q", "trainer.epochs=8"]


@pytest.mark.parametrize(
    ("loss", "kind", "evidence"),
    [
        ("precision_of_positives", "gradient cut", "cut by argmax (soft_f1.py"),
        ("soft_precision_alone", "trivial optimum", "answering nothing (every score low)"),
    ],
)
def test_check_names_what_keeps_it_from_learning(cli, loss, kind, evidence):
    outcome = cli("check", f"{HERE}.{loss}", "--json")
    assert outcome.code == 1
    found = json.loads(outcome.out)[0]["findings"][0]
    assert (found["kind"], found["level"]) == (kind, "broken")
    assert evidence in found["evidence"]


@pytest.mark.parametrize("loss", ["soft_f1", "soft_precision", "soft_recall"])
def test_with_the_other_error_in_it_it_trains_on_a_rare_class(cli, loss):
    assert cli("train", *SHORT, f"loss={loss}").code == 0
    values = json.loads(cli("evaluate", "last", "--json").out)
    assert values["ignoring_the_input"]["f1"] == 0
    assert values["f1"] > 0.4


def test_a_threshold_is_chosen_for_a_wanted_precision(cli):
    assert cli("train", *SHORT).code == 0
    values = json.loads(cli("evaluate", "last", "--threshold", "precision>=0.9", "--json").out)
    assert values["where_chosen"]["precision"] >= 0.9
    low, high = values["intervals"]["precision"]
    assert low < values["metrics"]["precision"] <= high
