"""Completion, as Python and as a shell asks for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from losslab.cli.complete import complete_override


@pytest.mark.parametrize(
    ("typed", "before", "expected"),
    [
        ("loss=di", [], ["loss=dice"]),
        ("loss=dice+bc", [], ["loss=dice+bce"]),
        ("loss=[dice,sigm", [], ["loss=[dice,sigmoid_focal"]),
        ("mod", [], ["model=", "model."]),
        ("trainer.ep", [], ["trainer.epochs="]),
        ("model.lat", ["model=vae"], ["model.latent="]),
        ("loss.dice.smo", [], ["loss.dice.smooth="]),
        ("schedule@loss.kl.weight=cyc", [], ["schedule@loss.kl.weight=cyclical"]),
        ("loss.dice.smo", ["loss=nonsense"], ["loss.dice.smooth="]),
        ("trainer.epochs.x", [], []),
        ("nothing=", [], []),
    ],
)
def test_what_a_word_may_become(typed, before, expected):
    assert complete_override(typed, before) == expected


def ask_bash(words: str) -> list[str]:
    """What bash is told when TAB is pressed at the end of `words`."""
    environment = {
        **os.environ,
        "_LOSSLAB_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = Path(sys.executable).with_name("losslab")
    answer = subprocess.run([command], env=environment, capture_output=True, text=True, check=False)
    return answer.stdout.split()


def test_commands_are_completed():
    assert sorted(ask_bash("losslab tr")) == ["trace", "train"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("losslab train loss = di", ["dice"]),
        ("losslab train trainer =", ["debug", "default"]),
        ("losslab trace experiment = two_l", ["two_layer_step"]),
        ("losslab train model = vae model.lat", ["model.latent="]),
        ("losslab train +schedule @ loss.kl.weight = cyc", []),
        ("losslab train schedule @ loss.kl.weight = cyc", ["cyclical"]),
    ],
)
def test_overrides_are_completed_as_bash_parts_them(words, expected):
    assert ask_bash(words) == expected


def test_completion_imports_no_torch():
    code = (
        "import sys; from losslab.cli.complete import complete_override as c; "
        "c('trainer.', []); c('loss=', []); print('torch' in sys.modules, 'mlflow' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["False", "False"]
