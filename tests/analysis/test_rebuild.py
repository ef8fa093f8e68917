"""A run is rebuilt as it was; a copy of its step is its own."""

import pytest
import torch
from losslab.analysis.rebuild import in_use, rebuild, restore
from losslab.errors import UserError
from losslab.training.run import run
from small_runs import config_of, job
from small_subjects import LOSSES, mlp, source_for, step_for


@pytest.fixture
def trained(tmp_path):
    made = job(tmp_path, "run", "data=breast_cancer", "loss=bce")
    return made.config, made.run_dir, run(made.config, made.run_dir)


def test_a_run_has_the_weights_of_its_checkpoint_and_the_time_of_its_end(trained):
    config, run_dir, result = trained
    parts, time = rebuild(config, run_dir)
    for name, tensor in result.model.state_dict().items():
        assert torch.equal(parts.step.model.state_dict()[name], tensor)
    assert 1 < time < 2  # of the last step of two epochs


def test_without_a_best_checkpoint_it_is_the_last(trained):
    config, run_dir, _ = trained
    (run_dir / "checkpoints" / "best.pt").unlink()
    parts, loop = restore(config, run_dir)
    assert loop.evaluate("val")["loss"] > 0
    assert parts.spec.features[0] == "mean radius"


def test_without_a_directory_it_is_before_its_first_step():
    config = config_of("data=breast_cancer", "loss=bce")
    one, time = rebuild(config, None)
    other, _ = rebuild(config, None)
    assert time == 0
    for a, b in zip(one.step.model.parameters(), other.step.model.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("run_dir", [None, "anywhere"])
def test_a_checkpoint_of_another_name_is_refused(run_dir):
    with pytest.raises(UserError, match="--checkpoint must be best or last; got first"):
        rebuild({}, run_dir, "first")


def test_a_copy_in_use_answers_in_evaluation_and_changes_nothing():
    target, channels, terms = LOSSES["cross_entropy"]
    step = step_for(mlp(channels), source_for(target, channels), terms())
    own = in_use(step, "logits", double=True)
    assert not own.model.training
    assert step.model.training
    for name, parameter in own.parameters.items():
        assert parameter.dtype == torch.float64
        torch.testing.assert_close(parameter.float(), step.parameters[name])
        parameter.data.zero_()
    assert all(p.abs().sum() > 0 for p in step.parameters.values())
