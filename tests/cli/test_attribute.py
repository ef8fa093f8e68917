"""`losslab attribute`: what it prints, writes and refuses."""

import json

import losslab
import numpy as np
import pytest

TINY = ["model=mlp", "model.width=8", "trainer.epochs=1", "tracking=none", "trainer.device=cpu"]


@pytest.fixture
def table(cli, workdir):
    assert cli("train", "-q", "data=breast_cancer", "loss=bce", *TINY).code == 0
    (found,) = (workdir / "outputs").iterdir()
    return found


@pytest.fixture
def digits(cli, workdir):
    assert cli("train", "-q", "data=digits", "loss=cross_entropy", *TINY).code == 0
    (found,) = (workdir / "outputs").iterdir()
    return found


def test_of_a_table_it_ranks_the_features_and_keeps_the_maps(cli, table):
    outcome = cli("attribute", "last", "--samples", "20", "--top", "3")
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert lines[0].startswith(
        f"{table.name}, best checkpoint: logit of benign, 20 test samples, mean "
    )
    assert lines[1].split("  ")[0] == "mean size of"
    assert lines[5] == "and 27 more, see --top"
    assert (
        "integrated gradients, 256 steps from zero: sums miss f(x) − f(baseline) by 0." in lines[6]
    )
    with np.load(table / "attribution.npz") as kept:
        assert kept["integrated_gradients"].shape == kept["input"].shape == (20, 30)
        sizes = np.abs(kept["integrated_gradients"]).mean(0)
        assert set(kept["classes"]) == {1}
    listed = [float(line.split()[-2]) for line in lines[2:5]]
    assert listed == pytest.approx(np.sort(sizes)[::-1][:3], rel=1e-3)
    assert not (table / "plots" / "attribution.png").exists()


def test_of_images_it_draws_a_picture(cli, digits):
    outcome = cli("attribute", "last", "--of", "probability", "--class", "8", "--steps", "8")
    assert "probability of 8, 64 test samples" in outcome.out
    path = digits / "plots" / "attribution.png"
    assert f"wrote {path.relative_to(digits.parent.parent)}" in outcome.out
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_misses_more_than_one_percent_is_said_with_the_remedy(cli, digits):
    hint = ": take more --steps, or another --baseline"
    assert hint in cli("attribute", "last", "--of", "loss", "--steps", "1").out
    assert hint not in cli("attribute", "last", "--of", "loss").out


def test_as_json_it_is_all_numbers(cli, table):
    outcome = cli("attribute", "last", "--of", "loss", "--json", "-o", "dots.svg")
    data = json.loads(outcome.out)
    assert (data["run"], data["of"], data["plot"]) == (
        table.name,
        "loss of each sample",
        "dots.svg",
    )
    assert len(data["values"]) == data["samples"] == 64
    assert data["completeness_error"] < 0.01
    assert len(data["features"]) == 30


def test_of_overrides_it_is_an_untrained_model_and_the_same_in_python(cli, workdir):
    outcome = cli("attribute", "data=diabetes", "loss=mse", *TINY, "--samples", "5")
    assert outcome.code == 0, outcome
    assert outcome.out.startswith("a model before its first step: prediction of progression, 5")
    found = losslab.attribute(["data=diabetes", "loss=mse", *TINY], samples=5)
    assert found.maps["gradient"].shape == (5, 10)
    assert found.ranking()[0][0] in outcome.out.splitlines()[2]
    assert not list(workdir.iterdir())


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["last"], "there are no runs in outputs/"),
        (["loss=bcee"], "Did you mean bce"),
        (["loss=bce", "--of", "cost"], "--of must be one of loss, logit, probability, prediction"),
        (["loss=bce", "--checkpoint", "first"], "--checkpoint must be best or last; got first"),
        (["loss=bce", "-o", "no/where.png"], "no such folder: no"),
        (["data=diabetes", "loss=mse", *TINY, "--of", "logit"], "say --of prediction"),
    ],
)
def test_mistakes_are_said_without_traceback(cli, words, text):
    outcome = cli("attribute", *words)
    assert outcome.code == 2
    assert text in outcome.err
    assert "Traceback" not in outcome.err


def test_nothing_to_attribute_is_said():
    with pytest.raises(losslab.errors.UserError, match="attribute of what"):
        losslab.attribute([])
