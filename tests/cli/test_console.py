"""What the terminal shows."""

import pytest
from losslab.cli.console import TerminalReport, set_verbosity, verbosity

FACTS = {
    "name": "dice-unet-1", "run_dir": "outputs/x", "loss": "dice", "model": "UNet", "data": "d",
    "parameters": 1234, "sizes": {"train": 3, "val": 0, "test": 2}, "device": "cpu",
    "monitor": "val/dice", "epoch": 0, "batch": 0, "epochs": 2,
}  # fmt: skip
VALUES = {"train/loss": 0.5, "val/loss": 0.25, "val/iou": 0.1, "val/dice": 0.2, "lr": 1e-3}


def test_a_header_names_what_is_trained_on_what(capsys):
    TerminalReport().header(FACTS)
    line = capsys.readouterr().out.strip()
    assert line == "dice-unet-1  dice · UNet (1,234 parameters) · d (3 train + 2 test) · cpu"


def test_a_resumed_run_says_where(capsys):
    TerminalReport().header({**FACTS, "epoch": 1, "batch": 5})
    assert "resumed in epoch 2 of 2, after 5 batches" in capsys.readouterr().out


def test_the_monitored_metric_comes_after_the_losses(capsys):
    report = TerminalReport()
    report.header(FACTS)
    report.epoch(1, 2, VALUES, best=True)
    _, titles, row = capsys.readouterr().out.splitlines()
    assert titles.split() == [
        "epoch",
        "train",
        "loss",
        "val",
        "loss",
        "val",
        "dice",
        "val",
        "iou",
        "time",
    ]
    assert row.split() == ["1/2", "0.5", "0.25", "0.2", "0.1", "0s", "best"]


@pytest.mark.parametrize(
    ("quiet", "verbose", "level"), [(True, False, 0), (False, False, 1), (False, True, 2)]
)
def test_how_much_is_said(quiet, verbose, level):
    set_verbosity(quiet, verbose)
    assert verbosity() == level


def test_quiet_says_no_header_and_no_rows(capsys):
    set_verbosity(quiet=True, verbose=False)
    report = TerminalReport()
    report.header(FACTS)
    report.epoch(1, 2, VALUES, best=False)
    assert capsys.readouterr().out == ""


def test_a_note_stands_out(capsys):
    TerminalReport().note("two [of] three")
    assert capsys.readouterr().out == "Note: two [of] three\n"
