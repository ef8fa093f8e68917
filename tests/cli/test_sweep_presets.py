import pytest

PRESET = """# @package _global_
# Which learning rate?
#
# losslab train -m experiment=rates
defaults:
  - override /model: linear
  - override /data: breast_cancer
  - override /loss: bce

hydra:
  sweeper:
    params:
      optimizer.lr: 0.1,0.01
      seed: 1,2,3

compare:
  metric: accuracy
  baseline: optimizer.lr=0.01
"""


@pytest.fixture
def preset(workdir):
    folder = workdir / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "rates.yaml").write_text(PRESET)
    return ["--config-dir", "conf", "experiment=rates", "trainer.epochs=1", "tracking=none"]


def runs(workdir):
    return list((workdir / "outputs").glob("*/*/run.json"))


def test_an_experiment_says_what_is_swept_and_by_what_it_is_compared(cli, workdir, preset):
    outcome = cli("train", "-m", *preset)
    assert outcome.code == 0, outcome
    assert len(runs(workdir)) == 6
    assert "test/accuracy · 6 runs in 2 groups by optimizer.lr" in outcome.out
    assert "baseline" in outcome.out


def test_what_is_given_on_the_command_line_takes_the_place_of_the_experiment_s(
    cli, workdir, preset
):
    outcome = cli("train", "-m", *preset, "seed=7,8")
    assert outcome.code == 0, outcome
    assert len(runs(workdir)) == 4


def test_without_m_it_is_one_run(cli, workdir, preset):
    assert cli("train", *preset).code == 0
    assert len(list((workdir / "outputs").glob("*/run.json"))) == 1
