import json

import pytest
from losslab.training.metrics_mode import mode_of

ANSWER = """
from losslab.training.answer import Answer, Finding

def norm(trained, scale: float = 1.0):
    seen = trained.predict("test")
    assert seen["logits"].shape == seen["target"].shape
    weight = next(trained.model.parameters())
    losses = trained.loss("test")
    steps, values = trained.history["val/loss"]
    return Answer(
        (
            Finding("norm", "norm of the weights", scale * weight.norm().item()),
            Finding("loss_gap", "loss", losses["loss"], "< 5", losses["loss"] < 5),
            Finding("epochs", "epochs", f"{len(values)} epochs"),
        ),
        conclusion="That is all.",
    )
"""


@pytest.fixture
def asked(workdir):
    (workdir / "mine.py").write_text(ANSWER)
    return ["model=linear", "trainer.epochs=2", "tracking=none", "+answer._target_=./mine.py:norm"]


def test_a_run_ends_with_its_answer(cli, workdir, asked):
    outcome = cli("train", *asked, "+answer.scale=0.0")
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert any(line.startswith("norm of the weights") and " 0" in line for line in lines)
    assert any(line.startswith("loss ") and line.endswith("< 5 yes") for line in lines)
    assert "That is all." in lines
    (run_dir,) = (workdir / "outputs").iterdir()
    found = json.loads((run_dir / "answer.json").read_text())["findings"]
    assert [f["name"] for f in found] == ["norm", "loss_gap", "epochs"]
    metrics = json.loads((run_dir / "run.json").read_text())["metrics"]
    assert metrics["answer/norm"] == 0.0
    assert metrics["answer/loss_gap"] == pytest.approx(metrics["test/loss"])
    assert "answer/epochs" not in metrics


def test_a_sweep_is_compared_by_an_answer(cli, asked):
    outcome = cli("train", "-m", *asked, "seed=1,2", "compare.metric=answer/norm")
    assert outcome.code == 0, outcome
    assert "each run answers its question by itself" in outcome.out
    assert "answer/norm · 2 runs" in outcome.out


def test_an_answer_that_cannot_be_had_is_refused_before_training(cli, workdir, asked):
    outcome = cli("train", *asked, "+answer.scal=0.0")
    assert outcome.code == 2
    assert "unknown key answer.scal: norm has scale. Did you mean answer.scale?" in outcome.err
    outcome = cli("train", "model=linear", "tracking=none", "+answer.scale=1")
    assert outcome.code == 2
    assert "answer names no function" in outcome.err
    assert not (workdir / "outputs").exists() or not any((workdir / "outputs").iterdir())


def test_errors_and_gaps_are_better_small():
    assert mode_of("answer/expensive_error") == mode_of("answer/relative_gap") == "min"
    assert mode_of("answer/recall") == "max"


def test_what_is_no_answer_is_refused(cli, workdir):
    (workdir / "mine.py").write_text("def number(trained):\n    return 3.0\n")
    words = ["model=linear", "trainer.epochs=1", "tracking=none"]
    outcome = cli("train", *words, "+answer._target_=./mine.py:number")
    assert outcome.code == 2
    assert "mine.py:number returned a float; expected a losslab.training.answer" in outcome.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["experiment=vae_terms", "answer.scaled=l3"], "answer.scaled=l3 is no term: there are"),
        (
            ["experiment=cost_matrix", "+answer.expensive=[1,7]"],
            "answer.expensive=[1, 7] names no two classes: expected 0 to 2",
        ),
    ],
    ids=["term", "classes"],
)
def test_an_answer_says_what_it_can_t_be_asked(cli, words, text):
    small = ["trainer=debug", "tracking=none"]
    small += ["data.samples=8", "data.size=32"] if "cost" in words[0] else []
    words = [word if "scaled" not in word else f"+{word}" for word in words]
    outcome = cli("train", *words, *small)
    assert outcome.code == 2, outcome
    assert text in outcome.err
