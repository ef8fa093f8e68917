"""`losslab evaluate`: thresholds and calibration, what is printed, and what is refused."""

import json

import pytest
import torch
from losslab.analysis.calibration import Calibration
from losslab.analysis.examine import Examined
from losslab.analysis.threshold import Rule, Thresholded
from losslab.cli.evaluate import remedy, verdict

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


@pytest.mark.parametrize(
    ("words", "how", "claim"),
    [
        ([], "8 bins of equal mass", "probability of yes"),
        (["data=digits", "loss=cross_entropy"], "15 bins of equal mass", "confidence of the class"),
    ],
    ids=["binary", "classes"],
)
def test_the_calibration_is_shown(cli, words, how, claim):
    assert cli("train", *TINY, *words).code == 0
    outcome = cli("evaluate", "last", "--calibration")
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("calibration"))
    assert [line.split("  ")[0] for line in lines[start + 1 : start + 5]] == [
        *("ECE", "MCE", "Brier score", "log loss")
    ]
    assert "95 % interval" in lines[start]
    assert f"gap between the {claim}" in outcome.out
    assert f"in {how}" in outcome.out
    assert "2,000 bootstrap resamples" in outcome.out


def test_a_temperature_is_chosen_on_validation_and_judged_on_test(cli):
    assert cli("train", *TINY, "trainer.epochs=30", "optimizer.lr=1").code == 0
    outcome = cli("evaluate", "last", "--checkpoint", "last", "--calibration")
    assert "over-confident on the 85 validation samples: dividing the logits by" in outcome.out
    found = json.loads(
        cli("evaluate", "last", "--checkpoint", "last", "--calibration", "--json").out
    )["calibration"]
    assert found["temperature"] > 1
    assert found["at_temperature"]["log_loss"] < found["log_loss"]
    assert found["samples"] == 85
    assert len(found["bins"]) <= 15
    low, high = found["intervals"]["brier"]
    assert low < found["brier"] < high


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["data.val=0"], [], "no temperature: it is chosen on validation data; train with"),
        ([], ["--split", "val"], "no temperature: it is chosen on the val split"),
    ],
    ids=["no validation", "on validation"],
)
def test_without_a_temperature_the_calibration_is_shown_all_the_same(cli, words, options, message):
    assert cli("train", *TINY, *words).code == 0
    outcome = cli("evaluate", "last", "--calibration", *options)
    assert outcome.code == 0
    assert message in outcome.out
    assert "ECE" in outcome.out


def test_a_plot_is_written_into_the_run_or_where_one_says(cli, workdir):
    assert cli("train", *TINY).code == 0
    run = next((workdir / "outputs").iterdir())
    outcome = cli("evaluate", "last", "--plot", "--threshold", "recall>=0.9")
    picture = run / "plots" / "evaluation.png"
    assert outcome.out.splitlines()[-1].endswith("plots/evaluation.png")
    assert picture.stat().st_size > 20_000
    outcome = cli("evaluate", "last", "-o", "mine.svg", "--json")
    assert json.loads(outcome.out)["plot"] == "mine.svg"
    assert "average precision" in (workdir / "mine.svg").read_text()


def test_masks_have_probabilities_too(cli):
    small = ["data.samples=40", "data.size=16", "data.share=0.05", "model.width=4"]
    words = ["model=unet", "loss=bce", "trainer.epochs=1", "tracking=none", *small]
    assert cli("train", "-q", *words).code == 0
    outcome = cli("evaluate", "last", "--calibration", "--plot", "--threshold", "best_f1", "--json")
    values = json.loads(outcome.out)
    assert "equal width" in values["calibration"]["method"]
    assert sum(cell["elements"] for cell in values["calibration"]["bins"]) == 6 * 16 * 16
    assert 0 < values["calibration"]["average_precision"]["all"] <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--calibration"], "for answers with a probability, of classes or of yes or no: here the"),
        (["--plot"], "here the model gives reconstruction, "),
        (["-o", "nowhere/x.png"], "no such folder: nowhere"),
        (["-o", "x.nope"], "its suffix must be one of"),
    ],
    ids=["real", "no logits", "no folder", "no such kind"],
)
def test_what_can_not_be_drawn(cli, options, message):
    trained = {
        "--calibration": ["data=diabetes", "loss=mse"],
        "--plot": ["model=vae", "loss=reconstruction+gaussian_kl", "data=digits", "model.width=8"],
    }.get(options[0], [])
    assert cli("train", *TINY, *trained).code == 0
    outcome = cli("evaluate", "last", *options)
    assert outcome.code == 2
    assert message in outcome.err


@pytest.mark.parametrize(
    ("hits", "interval", "says"),
    [
        (0.87, (0.83, 0.91), "precision 0.87 on test, below the wanted 0.9; its interval 0.83 … "
         "0.91 holds it"),
        (0.8, (0.75, 0.85), "precision 0.8 on test, below the wanted 0.9, and so is its interval "
         "0.75 … 0.85: the test data differ from the validation data, or its 85 samples are too"),
        (0.93, (0.88, 0.97), "precision 0.93 on test, as wanted, 0.9 or more; its interval 0.88 … "
         "0.97 reaches below it"),
        (0.98, (0.92, 1.0), "its interval 0.92 … 1 lies above it"),
    ],
    ids=["missed within", "missed", "reached", "surely reached"],
)  # fmt: skip
def test_whether_what_was_wanted_is_reached_is_said_in_words(hits, interval, says):
    rule = Rule("precision", 0.9)
    found = Thresholded(rule, 0.0, {"precision": hits}, {"precision": interval}, {}, {}, 85, "")
    assert says in verdict(found, "test")
    assert found.reached == (hits >= 0.9)
    assert found.within == (interval[1] >= 0.9)


def test_a_temperature_that_does_not_carry_over_is_left():
    good, bad = ({"ece": v, "log_loss": v, "mce": 0.0, "brier": 0.0} for v in (0.1, 0.2))
    found = examined(good, bad)
    assert remedy(found, "test") == (
        "over-confident on the 85 validation samples: dividing the logits by 2 takes the log loss "
        "on test from 0.1 to 0.2, the ECE from 0.1 to 0.2. It does not carry over: leave it"
    )
    assert remedy(examined(bad, good), "test").endswith("the ECE from 0.2 to 0.1")


def examined(before, after):
    none = torch.zeros(0)
    made = [Calibration(v, {}, none, none, none, "", 0.0, 85) for v in (before, after)]
    return Examined(True, made[0], 2.0, made[1], "", 85, ())


def test_the_verdict_stands_below_the_table(cli):
    assert cli("train", *TINY).code == 0
    found = cli("evaluate", "last", "--threshold", "precision>=0.9").out
    assert "precision" in found.splitlines()[-2]
    assert "on test, " in found.splitlines()[-2]
    assert "on test, " not in cli("evaluate", "last", "--threshold", "best_f1").out
