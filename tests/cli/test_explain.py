"""`losslab explain`: of every loss, and of what people bring along."""

import json
import re
import subprocess
import sys

import pytest
from losslab.cli.complete import complete_loss
from losslab.cli.listing import choices
from rich.cells import cell_len

LOSSES = [choice for choice in choices("loss") if choice != "custom"]

MINE = '''
import torch


def cubed(y_pred, y_true, beta=3.0):
    """Mine.

    Args:
        y_pred: the answer.
        beta: the power.
    """
    return (y_pred - y_true).abs() ** beta


class Squared(torch.nn.Module):
    """A class."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def forward(self, logits, target):
        return self.factor * (logits - target) ** 2


def refuses(logits, target):
    raise ValueError("only on Sundays")


def constant(samples, factor=0):
    return 0 * samples.sum()
'''


@pytest.fixture
def mine(workdir):
    (workdir / "mine.py").write_text(MINE)
    return workdir


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_explained(cli, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    outcome = cli("explain", name)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(f"{name}  ")
    assert not re.search(r"\\[a-zA-Z{,;]|\$|`", outcome.out), "raw LaTeX or markup"
    body, _, commands = outcome.out.partition("\ntry ")
    assert all(cell_len(line) <= 80 for line in body.splitlines())
    assert re.search(r"\ntakes ", body)
    assert "losslab" in commands
    assert re.search(r"^ +loss( +[-−\d.e∞]+){3,}", body, re.MULTILINE)
    assert not re.search(r" $", outcome.out, re.MULTILINE), "blanks at the end of a line"


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_says_when_to_use_it(cli, name):
    (data,) = json.loads(cli("explain", name, "--json").out)
    assert data["name"] == name
    assert data["formulas"]
    for section in ("estimates", "gradient", "use", "avoid", "references", "returns"):
        assert data[section], section
    assert set(data["relatives"]) <= set(LOSSES)
    assert all(argument["description"] for argument in data["arguments"].values())
    assert all(option["description"] for option in data["options"].values())


def test_the_numbers_are_the_functions_own(cli):
    (data,) = json.loads(cli("explain", "mse", "--json").out)
    (table,) = data["tables"]
    assert table["axis"] == "residual"
    assert table["value"] == pytest.approx([x * x for x in table["x"]])
    assert table["gradient"] == pytest.approx([2 * x for x in table["x"]])


def test_a_loss_that_tells_the_targets_apart_is_shown_for_both(cli):
    (data,) = json.loads(cli("explain", "bce", "pos_weight=3", "--json").out)
    one, zero = data["tables"]
    assert (one["name"], zero["name"]) == (
        "bce, pos_weight=3, target 1",
        "bce, pos_weight=3, target 0",
    )
    assert one["value"] == pytest.approx([3 * value for value in zero["value"]])
    out = cli("explain", "asymmetric").out
    assert re.search(r"target 1\n +loss .*\n +gradient .*\n +target 0\n +loss ", out)
    assert "target 0" not in cli("explain", "bce").out


def test_long_options_do_not_squeeze_the_numbers(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = cli("explain", "logit_adjusted", "counts=[100000,1000,10]", "tau=0.5,1").out
    assert "counts=[100000, 1000, 10], tau=0.5, target 1\n" in out
    assert "…" not in out.partition("\ngradient")[2].replace("0…", "")


def test_every_tensor_that_the_model_answers_has_its_table(cli):
    (data,) = json.loads(cli("explain", "gaussian_nll", "--json").out)
    assert [table["axis"] for table in data["tables"]] == ["residual", "logvar"]
    (data,) = json.loads(cli("explain", "gaussian_nll", "--axis", "logvar", "--json").out)
    assert [table["axis"] for table in data["tables"]] == ["logvar"]


def test_an_option_that_must_be_given_is_not_taken_for_a_default(cli):
    assert re.search(
        r"counts +null .*Below: \[900, 100\]\.",
        cli("explain", "logit_adjusted").out.replace("\n", " "),
    )


def test_a_loss_without_a_curve_is_explained_all_the_same(cli, mine):
    outcome = cli("explain", "./mine.py:constant", "factor=0")
    assert outcome.code == 0
    assert "constant has no curve: it asks for samples" in " ".join(outcome.out.split())


def test_what_stands_where(cli):
    out = cli("explain", "focal", "gamma=0,5").out
    assert "∑_c α_c y_c (1 − p_c)ᵞ log p_c" in out
    assert re.search(r"options +gamma +0 ", out)
    assert "gamma=0\n" in re.sub(" +\n", "\n", out)
    assert "class indices [batch, *spatial]. 0…classes−1." in " ".join(out.split())
    assert "losslab train loss=focal" in out


def test_colour_only_on_a_terminal(cli, monkeypatch):
    assert "\x1b" not in cli("explain", "mse").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in cli("explain", "mse").out


def test_the_tensors_that_a_file_connects_are_told(cli):
    assert "Here: reconstruction_logits." in " ".join(cli("explain", "reconstruction").out.split())


def test_your_own_function(cli, mine):
    out = cli("explain", "./mine.py:cubed", "beta=2").out
    assert "Mine." in out
    assert "the answer." in out
    assert re.search(r"beta +2 +the power", out)
    assert re.search(r"loss +16 +1 +0.01 +0 +0.01 +1 +16", out)


def test_your_own_class_and_its_options(cli, mine):
    out = cli("explain", "mine.Squared", "factor=2").out
    assert re.search(r"factor +2", out)
    assert re.search(r"loss +50 +18 +8 +2 +0 +2 +18", out)


def test_a_class_of_another_package(cli):
    out = cli("explain", "torch.nn.HuberLoss", "delta=2").out
    assert re.search(r"gradient +−2 +−1 +−0.1 +0 +0.1 +1 +2", out)
    assert ":class:" not in out


def test_the_file_for_your_own(cli):
    outcome = cli("explain", "custom")
    assert outcome.code == 0
    assert "loss=./mine.py:my_loss" in outcome.out


def test_several_losses_one_after_the_other(cli):
    out = cli("explain", "l1", "mse").out
    assert out.index("l1  ") < out.index("mse  ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["foal"], "unknown loss 'foal'. Did you mean focal? losslab list losses shows them all"),
        (["cost"], "Did you mean expected_cost or cost_weighted_cross_entropy?"),
        (["quantile", "level=2"], "quantile has no curve: level must be in (0, 1); got 2"),
        (["kl"], "Did you mean gaussian_kl?"),
        (["focal", "gama=2"], "has no option 'gama': it has gamma, alpha. Did you mean gamma?"),
        (["gamma=2"], "gamma=2 stands before any loss"),
        (["focal", "alpha=[1,"], "can't read the value in alpha=[1,"),
        (["./nowhere.py:f"], "no such file: nowhere.py"),
        (["./mine.py:cube"], "Did you mean cubed?"),
        (["mse", "--axis", "mu"], "mse is not seen along mu: --axis may be residual"),
        (["mse", "bce", "--plot"], "no axis in common, so each needs a plot of its own: mse along"),
        (["mse", "bce", "--plot", "--axis", "margin"], "not every loss is seen along margin"),
        (["./mine.py:refuses", "--plot"], "has no curve: only on Sundays"),
        (["./mine.py:constant", "--plot"], "has no curve: it asks for samples"),
        (["custom", "--plot"], "custom stands for a function of yours"),
        (["mse", "-o", "a.docx"], "can't write a.docx: its suffix must be one of"),
        (["mse", "-o", "no/where.png"], "no such folder: no"),
    ],
)
def test_mistakes_are_named(cli, mine, words, message):
    outcome = cli("explain", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_a_plot_is_written_and_its_path_printed(cli, workdir):
    outcome = cli("explain", "focal", "gamma=0,2", "bce", "--plot")
    assert outcome.code == 0, outcome.err
    assert outcome.out.strip() == "wrote focal-bce.png"
    assert (workdir / "focal-bce.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_of_another_kind_at_another_place(cli, workdir):
    outcome = cli("explain", "gaussian_kl", "--axis", "logvar", "-o", "kl.svg")
    assert outcome.out.strip() == "wrote kl.svg"
    assert "<svg" in (workdir / "kl.svg").read_text()


def test_regions_and_pixels_share_a_margin(cli):
    assert cli("explain", "dice", "bce", "--plot").out.strip() == "wrote dice-bce.png"


@pytest.mark.parametrize(
    ("typed", "before", "expected"),
    [
        ("gaussian_k", [], ["gaussian_kl"]),
        ("nothing", [], []),
        ("gam", ["losslab", "explain", "focal"], ["gamma", "gamma="]),
    ],
)
def test_what_a_word_may_become(typed, before, expected):
    assert complete_loss(typed, before) == expected


def test_completion_imports_no_torch():
    code = (
        "import sys; from losslab.cli.complete import complete_loss as c; "
        "c('fo', ['focal']); print('torch' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
