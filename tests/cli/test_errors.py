"""Hydra's errors in words, beside those that test_bad_input.py meets on the command line."""

import pytest
from hydra.errors import MissingConfigException
from losslab.cli.errors import explain_hydra


@pytest.mark.parametrize(
    ("launcher", "extra"),
    [
        ("joblib", "joblib"),
        ("ray", "ray"),
        ("ray_aws", "ray"),
        ("submitit_local", "slurm"),
        ("submitit_slurm", "slurm"),
    ],
)
def test_an_engine_that_is_not_installed_names_its_extra(launcher, extra):
    name = f"hydra/launcher/{launcher}"
    error = MissingConfigException(
        f"In 'train': Could not find '{name}'\n\nAvailable options in 'hydra/launcher':\n\tbasic",
        name,
        ["auto", "basic", "vectorized"],
    )
    text = f"hydra/launcher={launcher} needs a package: pip install 'losslab[{extra}]'"
    assert explain_hydra(error, []) == text


def test_an_engine_that_is_none_is_answered_with_the_nearest(cli):
    outcome = cli("train", "-m", "seed=1,2", "hydra/launcher=vectorised")
    assert outcome.code == 2, outcome
    assert "unknown hydra/launcher 'vectorised'. Did you mean vectorized?" in outcome.err


@pytest.mark.parametrize("words", [["experiment=null"], ["-m", "model=null"]], ids=" ".join)
def test_null_is_no_choice(cli, words):
    outcome = cli("train", *words)
    assert outcome.code == 2
    assert "null is no choice of a group; leave it out" in outcome.err
    assert "Traceback" not in outcome.err
