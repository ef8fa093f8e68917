"""`losslab compare`, in this process, on kept runs and once on a real sweep."""

import csv
import json

import numpy as np
import pytest
from kept_runs import config, keep_run, keep_sweep
from scipy import stats

VALUES = {0.1: [0.70, 0.74, 0.71, 0.69, 0.75], 0.01: [0.80, 0.81, 0.84, 0.78, 0.83]}


@pytest.fixture
def sweep(workdir):
    return keep_sweep(workdir / "outputs", VALUES)


def test_a_real_sweep_end_to_end(cli, workdir):
    made = cli(
        "train", "-q", "-m", "model=mlp", "optimizer.lr=1e-3,1e-2", "seed=1,2,3",
        "trainer.epochs=2", "tracking=none", "hydra/launcher=vectorized",
    )  # fmt: skip
    assert made.code == 0, made
    outcome = cli("compare", "last", "--baseline", "1e-3", "--plot", "--html", "r.html")
    assert outcome.code == 0, outcome
    assert "test/f1 · 6 runs in 2 groups by optimizer.lr" in outcome.out
    assert "paired t-test over 3 shared seeds" in outcome.out
    (picture,) = workdir.glob("compare-sweep-*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "lr=0.001" in (workdir / "r.html").read_text()


def test_the_table(cli, sweep, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    outcome = cli("compare", "--baseline", "0.1")
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert lines[0] == "sweep-aaaaaa  test/f1 · 10 runs in 2 groups by optimizer.lr"
    assert lines[2].split() == ["lr", "n", "test/f1", "95", "%", "interval", "change", "p", "d"]
    high, low = VALUES[0.01], VALUES[0.1]
    ends = [stats.ttest_1samp(values, 0).confidence_interval(0.95) for values in (high, low)]
    (a, b), (c, d) = [(f"{end.low:.3f}", f"{end.high:.3f}") for end in ends]
    assert stats.ttest_rel(high, low).pvalue < 0.001
    change = np.subtract(high, low)
    test = ["+0.094", "<0.001", f"{change.mean() / change.std(ddof=1):+.2f}"]
    assert lines[3].split() == ["0.01", "5", "0.812", a, "…", b, *test, "best,", "better"]
    assert lines[4].split() == ["0.1", "5", "0.718", c, "…", d, "baseline"]
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in outcome.out


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_nothing_is_cut_off(cli, workdir, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    for model in ("MLP", "AVeryLongNameOfAModel"):
        for lr in (0.1, 0.25):
            for seed in (1, 2, 3):
                made_from = config(seed, lr, model={"_target_": f"losslab.models.{model}"})
                name = f"{model}-{lr}-{seed}"
                value = 0.5 + seed / 100 + lr
                keep_run(workdir / "outputs" / "sweep-aaaaaa" / name, made_from, value)
    outcome = cli("compare", "--baseline", "mlp,lr=0.1")
    assert outcome.code == 0, outcome
    table = outcome.out.split("\n\n")[1]
    assert "…" not in table.replace(" … ", "")
    assert max(map(len, table.splitlines())) <= int(columns)


def test_in_a_pipe_a_group_takes_one_line(cli, sweep, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    out = cli("compare", "--baseline", "0.1").out
    assert any(
        line.startswith("against lr=0.1") and "deviation" in line for line in out.split("\n")
    )


def test_failed_runs_are_named(cli, sweep):
    keep_run(sweep / "broken", config(6, 0.1), None)
    out = cli("compare").out
    assert "5 of 6" in out
    assert "Left out: 1 run failed: broken (NonFiniteLoss: the loss is not finite)" in out


def test_losses_are_shown_unranked(cli, workdir):
    for name in ("bce", "focal"):
        made_from = config(loss={name: {"_target_": f"losslab.losses.{name}"}})
        keep_run(workdir / "outputs" / name, made_from)
    outcome = cli("compare", "--metric", "loss")
    assert outcome.code == 0
    assert "not ranked: values of different losses can't be ranked" in outcome.out
    assert "best" not in outcome.out
    assert cli("compare", "--metric", "loss", "--baseline", "bce").code == 2


def test_json_tells_everything(cli, sweep):
    keep_run(sweep / "broken", config(6, 0.1), None)
    found = json.loads(cli("compare", "--json", "--baseline", "0.1").out)
    assert found["metric"] == "test/f1"
    assert found["by"] == ["optimizer.lr"]
    best, base = found["groups"]
    assert best["factors"] == {"optimizer.lr": "0.01"}
    assert [run["value"] for run in best["runs"]] == VALUES[0.01]
    assert best["versus_baseline"]["shared_seeds"] == 5
    assert best["versus_baseline"]["p"] == best["versus_baseline"]["p_holm"]
    assert base["versus_baseline"] is None
    assert (base["n"], base["of"]) == (5, 6)
    assert [entry["run"] for entry in found["left_out"]] == ["broken"]


def test_csv_holds_a_row_per_group(cli, sweep, workdir):
    assert "wrote t.csv" in cli("compare", "--csv", "t.csv", "--baseline", "0.1").out
    with (workdir / "t.csv").open() as file:
        best, base = csv.DictReader(file)
    assert best["optimizer.lr"] == "0.01"
    assert float(best["mean"]) == pytest.approx(0.812)
    assert float(best["difference"]) == pytest.approx(0.094)
    assert (base["p"], base["best"]) == ("", "0")


def test_the_plot_goes_where_it_is_told(cli, sweep, workdir):
    assert "wrote c.pdf" in cli("compare", "-o", "c.pdf").out
    assert (workdir / "c.pdf").read_bytes().startswith(b"%PDF")


def test_the_report_tells_its_command(cli, sweep, workdir):
    cli("compare", "--html", "r.html", "--filter", "lr=0.1")
    text = (workdir / "r.html").read_text()
    assert "losslab compare --html r.html --filter lr=0.1" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--interval", "normal"], "--interval must be t or bootstrap; got normal"),
        (["--html", "no/r.html"], "can't write no/r.html: there is no folder"),
        (["-o", "c.xyz"], "can't write c.xyz: Format 'xyz' is not supported"),
        (["--plot", "--metric", "accuracy"], "no run has the metric accuracy"),
        (["--by", "widht"], "--by widht: no run has that key. Did you mean width?"),
        (["--filter", "lr=3"], "--filter lr=3 leaves no run"),
        (["--baseline", "3"], "--baseline 3 is none of the groups."),
        (["sweep-zzzzzz"], "no sweep 'sweep-zzzzzz' in outputs/."),
    ],
)
def test_mistakes_are_told_with_exit_code_2(cli, sweep, arguments, message):
    outcome = cli("compare", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_without_a_curve_the_plot_is_an_error(cli, workdir):
    keep_run(workdir / "outputs" / "a", curve=[])
    outcome = cli("compare", "--plot")
    assert outcome.code == 2
    assert "--plot: the runs have no curve of val/f1" in outcome.err


def test_bootstrap_is_stated(cli, sweep):
    assert "BCa bootstrap" in cli("compare", "--interval", "bootstrap").out
