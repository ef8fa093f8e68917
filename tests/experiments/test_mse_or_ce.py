"""Row `mse_or_ce`: the right pairs train, the wrong ones are refused or noted, with the reason."""

import json

import pytest

SHORT = ["tracking=none", "-q", "trainer.epochs=4"]
DIABETES = ["data=diabetes", "model=mlp"]
REGRESSION = "choose one such as mse or huber"
CLASSES = "choose one such as cross_entropy or bce"


@pytest.mark.parametrize(
    ("words", "metric", "better_than"),
    [(["loss=cross_entropy"], "accuracy", 0.7), (["data=diabetes", "loss=mse"], "r2", 0.2)],
    ids=["classification", "regression"],
)
def test_the_right_pairs_train(cli, workdir, words, metric, better_than):
    assert cli("train", "experiment=mse_or_ce", *SHORT, *words).code == 0
    (run_dir,) = (workdir / "outputs").iterdir()
    metrics = json.loads((run_dir / "run.json").read_text())["metrics"]
    assert metrics[f"test/{metric}"] > better_than  # ignoring the input: 0.1 and 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["loss=mse"], CLASSES),
        (["data=diabetes"], REGRESSION),
        (["data=diabetes", "loss=bce"], REGRESSION),
    ],
    ids=["mse of classes", "cross-entropy of numbers", "bce of numbers"],
)
def test_the_wrong_pairs_are_refused_with_the_reason(cli, words, reason):
    outcome = cli("train", "experiment=mse_or_ce", *SHORT, *words)
    assert outcome.code == 2
    assert reason in outcome.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([*DIABETES, "loss=torch.nn.BCEWithLogitsLoss"], "it falls without bound. loss=mse fits"),
        ([*DIABETES, "loss=torch.nn.CrossEntropyLoss"], "of one channel it is a constant"),
        (["data=breast_cancer", "model=mlp", "loss=torch.nn.MSELoss"], "loss=bce fits, or brier"),
    ],
    ids=["bce of numbers", "cross-entropy of numbers", "mse of classes"],
)
def test_a_loss_from_elsewhere_is_noted_with_the_reason(cli, words, reason):
    reports = json.loads(cli("check", *words, "--json").out)
    assert any(reason in finding["evidence"] for finding in reports[0]["findings"])


def test_the_sweep_says_which_pairs_were_refused(cli):
    outcome = cli("train", "-m", "experiment=mse_or_ce", "tracking=none", "trainer=debug", "seed=1")
    assert outcome.code != 0  # two of the four jobs
    assert REGRESSION in outcome.out + outcome.err
    assert CLASSES in outcome.out + outcome.err
