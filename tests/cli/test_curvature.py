"""`losslab curvature`: what it prints, writes and refuses."""

import json

import losslab
import pytest

WORDS = ["model=mlp", "model.width=4", "model.depth=1", "trainer.device=cpu"]


@pytest.fixture
def run_dir(cli, workdir):
    words = [*WORDS, "loss=bce+l2_norm", "trainer.epochs=1", "tracking=none"]
    assert cli("train", "-q", *words).code == 0
    (found,) = (workdir / "outputs").iterdir()
    return found


def test_of_a_run_it_prints_a_table_and_keeps_the_numbers(cli, run_dir):
    outcome = cli("curvature", "last", "--samples", "50", "--top", "2")
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert lines[0] == (
        f"{run_dir.name}, best checkpoint: MLP (129 weights), on 50 train samples, float32"
    )
    assert lines[1].split() == ["total", "bce", "l2_norm", "Gauss–Newton"]
    rows = [line.split("  ")[0] for line in lines[2:9]]
    assert rows == ["loss", "eigenvalue 1", "eigenvalue 2", "lowest", "trace", "negative", "near 0"]
    assert "exact: all eigenvalues" in outcome.out
    assert "plain gradient descent overshoots above a learning rate of 2 / " in outcome.out
    kept = json.loads((run_dir / "curvature.json").read_text())
    assert kept["run"] == run_dir.name
    assert kept["largest_step"] == pytest.approx(2 / kept["spectra"]["total"]["top"][0])


def test_a_plot_of_a_run_stands_beside_its_plots(cli, run_dir):
    outcome = cli("curvature", "last", "--plot")
    path = run_dir / "plots" / "curvature.png"
    assert f"wrote {path.relative_to(run_dir.parent.parent)}" in outcome.out
    assert path.read_bytes().startswith(b"\x89PNG")


def test_of_overrides_it_is_an_untrained_model(cli, workdir):
    outcome = cli("curvature", *WORDS, "--method", "estimated", "-o", "bend.svg")
    assert outcome.code == 0, outcome
    assert outcome.out.startswith("a model before its first step: MLP (129 weights), on 3")
    assert "±" in outcome.out
    assert "estimated: Lanczos for both ends, Hutch++ for the trace" in outcome.out
    assert (workdir / "bend.svg").exists()


def test_as_json_it_is_all_numbers(cli):
    outcome = cli("curvature", *WORDS, "--json", "--double", "--slice", "line")
    data = json.loads(outcome.out)
    assert (data["run"], data["precision"]) == (None, "float64")
    total = data["spectra"]["total"]
    assert total["method"] == "exact"
    assert total["trace"]["value"] == pytest.approx(sum(total["density"]["nodes"][0]))
    assert len(data["landscape"]["values"]["total"]) == 41


def test_the_same_in_python(workdir):
    found = losslab.curvature([*WORDS, "loss=bce"], samples=20, top=2)
    assert found.facts["samples"] == 20
    assert len(found.spectra["total"].top) == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["last"], "there are no runs in outputs/"),
        (["loss=dicee"], "Did you mean dice"),
        ([*WORDS, "--method", "fast"], "--method must be one of auto, exact, estimated"),
        ([*WORDS, "-o", "no/where.png"], "no such folder: no"),
        ([*WORDS, "-o", "plot.docx"], "can't write plot.docx: its suffix must be one of"),
    ],
)
def test_mistakes_are_said_without_traceback(cli, words, text):
    outcome = cli("curvature", *words)
    assert outcome.code == 2
    assert text in outcome.err
    assert "Traceback" not in outcome.err


def test_a_run_has_two_checkpoints(cli, run_dir):
    outcome = cli("curvature", "last", "--checkpoint", "first")
    assert outcome.code == 2
    assert "--checkpoint must be best or last; got first" in outcome.err


def test_nothing_to_measure_is_said():
    from losslab.analysis.curvature import Asked
    from losslab.cli.curvature import measured

    with pytest.raises(losslab.errors.UserError, match="curvature of what"):
        measured([], Asked())
    with pytest.raises(losslab.errors.UserError, match="curvature of what"):
        measured([""], Asked())


def test_what_acts_has_no_hessian_on_given_data(cli):
    outcome = cli("curvature", "experiment=cartpole")
    assert outcome.code == 2
    assert "what it meets by acting" in outcome.err
