"""`losslab check`: its verdict as text, as JSON, as an exit code, and in Python."""

import json
import re

import losslab
import pytest
import torch
from losslab.errors import UserError

MINE = '''
import torch


def error_rate(logits, target):
    return (logits.argmax(1) != target).float()


def sound(y_pred, y_true, beta=1.0):
    return torch.nn.functional.smooth_l1_loss(y_pred, y_true, reduction="none", beta=beta)


class Squared(torch.nn.Module):
    """A class."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def forward(self, prediction, target):
        return self.factor * (prediction - target) ** 2


def refuses(logits, target):
    raise ValueError("only on Sundays")
'''


@pytest.fixture
def mine(workdir, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    (workdir / "mine.py").write_text(MINE)
    return workdir


def test_a_row_says_what_evidence_why_and_remedy(cli, mine):
    outcome = cli("check", "./mine.py:error_rate")
    assert outcome.code == 1
    assert outcome.out == (
        "error_rate  as logits of 4 classes, target class indices\n"
        "  broken  gradient cut: no gradient reaches logits: cut by argmax (mine.py:6: return\n"
        "          (logits.argmax(1) != target).float())\n"
        "          the weights never move, whatever the loss says\n"
        "          → use the softmax in its place: probabilities instead of the winner\n"
        "\n"
        "1 broken\n"
    )


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_it_fits_the_terminal_and_lines_up(cli, mine, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = cli("check", "dice", "lovasz", "./mine.py:error_rate").out.splitlines()
    found = [line for line in lines if line.startswith("  ")]
    assert all(len(line) <= columns for line in found)
    assert not [line for line in lines if line != line.rstrip()]
    assert all(re.match(r"  (broken |warning|note   |       ) \S", line) for line in found)


def test_warnings_and_notes_end_with_0(cli):
    outcome = cli("check", "dice", "lovasz")
    assert outcome.code == 0
    assert "  warning saturation: wrong by 12 in the logit, the loss is 1 " in outcome.out
    assert "  note    memory: " in outcome.out
    assert outcome.out.endswith("\n1 warning, 1 note\n")


def test_nothing_found(cli):
    outcome = cli("check", "bce")
    assert outcome.code == 0
    assert outcome.out == (
        "bce  as one logit a sample, target 0 or 1\n  nothing found\n\nNothing found.\n"
    )


def test_what_is_judged_by_names_says_which(cli):
    assert cli("check", "gaussian_kl").out.startswith("gaussian_kl  as tensors by name: mu, logvar")


def test_several_losses_each_with_its_options(cli):
    reports = json.loads(cli("check", "focal", "gamma=0.5", "dice", "smooth=1", "--json").out)
    assert [report["loss"] for report in reports] == ["focal, gamma=0.5", "dice, smooth=1"]


def test_an_option_changes_what_is_found(cli, mine):
    def evidence(*words):
        (report,) = json.loads(cli("check", *words, "--json").out)
        return [finding["evidence"] for finding in report["findings"]]

    assert evidence("./mine.py:Squared") != evidence("./mine.py:Squared", "factor=2")


def test_a_sound_function_of_ones_own(cli, mine):
    outcome = cli("check", "./mine.py:sound", "beta=0.5")
    assert outcome.code == 0
    assert "sound, beta=0.5  as 2 real values a sample" in outcome.out
    assert "broken" not in outcome.out


def test_a_wrong_option_value_shows(cli, mine):
    outcome = cli("check", "./mine.py:Squared", "factor=-1")
    assert outcome.code == 1
    assert "wrong sign: the truth costs " in outcome.out


def test_json_holds_the_same(cli, mine):
    text, outcome = (
        cli("check", "./mine.py:error_rate"),
        cli("check", "./mine.py:error_rate", "--json"),
    )
    (report,) = json.loads(outcome.out)
    assert outcome.code == text.code == 1
    assert report["loss"] == "error_rate"
    assert report["as"] == "logits of 4 classes, target class indices"
    assert report["broken"] is True
    assert set(report["also_accepts"]) > {"pixels"}
    (finding,) = report["findings"]
    assert (finding["kind"], finding["level"]) == ("gradient cut", "broken")
    printed = " ".join(text.out.split())
    for part in ("kind", "evidence", "why", "remedy"):
        assert " ".join(finding[part].split()) in printed


def test_a_kind_of_target_can_be_asked_for(cli):
    outcome = cli("check", "--target", "mask", "dice")
    assert outcome.out.startswith("dice  as logits of an image, target a mask\n")


def test_a_configuration_has_a_report_of_the_whole_and_of_each_term(cli):
    outcome = cli("check", "loss=cross_entropy", "model=mlp", "data=digits")
    assert outcome.code == 0
    assert "configuration  as 7 samples of its own data\n" in outcome.out
    assert "\nloss.cross_entropy  as 7 samples of its own data\n" in outcome.out


def test_a_configuration_that_training_refuses_is_broken(cli):
    outcome = cli("check", "loss=poisson", "model=mlp", "data=digits")
    assert outcome.code == 1
    assert "  broken  refused: " in outcome.out
    assert "losslab train stops here, before the first step" in outcome.out


MISTAKES = {
    "no loss": (["nope"], "unknown loss 'nope'"),
    "a near name": (["dicee"], "Did you mean dice?"),
    "no file": (["./none.py:f"], "none.py"),
    "no function": (["./mine.py:nothing"], "nothing"),
    "an option that it has not": (["dice", "smoth=2"], "has no option 'smoth'"),
    "no kind of target": (["dice", "--target", "binry"], "Did you mean binary?"),
    "a kind of target without a target": (["gaussian_kl", "--target", "mask"], "is no pair of"),
    "a kind of target for a configuration": (
        ["loss=bce", "--target", "mask"],
        "a configuration is judged on its own data",
    ),
    "what can't be called": (["./mine.py:refuses"], "refuses: it can't be called with generated"),
    "the stand-in for one's own": (["custom"], "losslab check FILE.py:FUNCTION"),
    "an unknown override": (["loss=bce", "modle=mlp"], "modle"),
    "an unknown choice": (["loss=bcee"], "Did you mean bce?"),
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_ends_with_2_and_says_what_to_do(cli, mine, words):
    arguments, message = MISTAKES[words]
    outcome = cli("check", *arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert message in " ".join(outcome.err.split())
    assert "Traceback" not in outcome.err


def test_in_python_a_function(workdir):
    def mine(prediction, target, power=2):
        return (prediction - target).abs() ** power

    (report,) = losslab.check(mine, {"power": 4}, target="real")
    assert (report.name, report.probed) == ("mine", "2 real values a sample")
    assert not report.broken
    (module,) = losslab.check(torch.nn.BCEWithLogitsLoss())
    assert [finding.kind for finding in module.findings] == ["domain"]


def test_in_python_words_as_on_the_command_line(mine):
    (dice,) = losslab.check("dice", target="mask")
    assert (dice.name, dice.probed) == ("dice", "logits of an image, target a mask")
    (broken,) = losslab.check("./mine.py:error_rate")
    assert broken.broken
    assert [report.name for report in losslab.check(["focal", "gamma=0.5", "bce"])] == [
        "focal, gamma=0.5",
        "bce",
    ]
    assert [report.name for report in losslab.check(["loss=bce", "model=mlp"])] == [
        "configuration",
        "loss.bce",
    ]


PYTHON_MISTAKES = {
    "nothing": (([],), {}, r"check what\? losslab check LOSS"),
    "no loss": (("nope",), {}, "unknown loss 'nope'"),
    "options of a name": (("focal", {"gamma": 1}), {}, r"\['focal', 'gamma=0.5'\]"),
    "no kind of target": ((torch.nn.MSELoss(),), {"target": "rael"}, "Did you mean real"),
    "an unknown override": ((["loss=bce", "modle=mlp"],), {}, "modle"),
}


@pytest.mark.parametrize("words", PYTHON_MISTAKES)
def test_in_python_a_mistake_is_an_error(workdir, words):
    arguments, options, message = PYTHON_MISTAKES[words]
    with pytest.raises(UserError, match=message):
        losslab.check(*arguments, **options)


def test_a_file_without_a_function_says_which_it_has(cli, workdir):
    (workdir / "mine.py").write_text("def one(logits): ...\n\n\ndef two(logits): ...\n")
    outcome = cli("check", "./mine.py")
    assert outcome.code == 2
    assert "which function of the file? mine.py:one, mine.py:two" in outcome.err
    (workdir / "empty.py").write_text("x = 1\n")
    assert "empty.py has none" in cli("check", "empty.py").err
    assert "There is no other.py" in cli("explain", "other.py").err
    (workdir / "bad.py").write_text("def (\n")
    assert "bad.py can't be read" in cli("check", "bad.py").err
