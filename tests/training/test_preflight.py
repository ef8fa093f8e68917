"""What preflight leaves as it was; what it refuses stands in tests/cli/test_bad_input.py."""

import pytest
import torch
from losslab.cli.compose import compose_config, plain
from losslab.data import Spec, TensorSource
from losslab.errors import UserError
from losslab.training.config import TrainerConfig
from losslab.training.distributed import World
from losslab.training.preflight import tiny_batch
from losslab.training.report import Report
from losslab.training.run import prepare


class Notes(Report):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def parts_of(*overrides, report=None):
    config = plain(compose_config(list(overrides)))
    trainer = TrainerConfig(**config["trainer"])
    return prepare(config, trainer, torch.device("cpu"), World(), report or Report())


def test_it_leaves_no_gradient_and_no_trace_in_the_statistics():
    parts = parts_of("model=unet", "model.norm=batch", "data.samples=8", "data.size=16")
    assert all(p.grad is None for p in parts.step.parameters.values())
    for name, buffer in parts.step.model.named_buffers():
        if name.endswith("running_mean"):
            assert torch.equal(buffer, torch.zeros_like(buffer))


def test_the_same_seed_starts_the_same_whatever_preflight_draws():
    weights = []
    for _ in range(2):
        parts = parts_of("model=vae", "seed=7")
        weights.append(torch.cat([p.flatten() for p in parts.step.parameters.values()]))
        weights.append(torch.rand(3))
    assert torch.equal(weights[0], weights[2])
    assert torch.equal(weights[1], weights[3])


def test_without_training_data_there_is_nothing_to_try():
    empty = {"input": torch.zeros(0, 3), "target": torch.zeros(0, 1)}
    source = TensorSource(Spec((3,), "real", 1), dict.fromkeys(("train", "val", "test"), empty))
    with pytest.raises(UserError, match="there is no training data"):
        tiny_batch(source, torch.device("cpu"))


def test_a_term_without_a_gradient_is_noted(workdir, monkeypatch):
    (workdir / "mine.py").write_text("def energy(logits):\n    return logits.detach().square()\n")
    report = Notes()
    parts_of("model=mlp", "loss=bce+./mine.py:energy", report=report)
    assert report.notes == ["loss.custom gives no gradient: it changes the number and nothing else"]


def test_parameters_without_a_gradient_are_noted(workdir, monkeypatch):
    (workdir / "mymodel.py").write_text(
        """
import torch

class Idle(torch.nn.Module):
    def __init__(self, in_features, outputs):
        super().__init__()
        self.used = torch.nn.Linear(in_features, outputs)
        self.idle = torch.nn.Linear(3, 3)

    def forward(self, x):
        return self.used(x)
"""
    )
    monkeypatch.syspath_prepend(workdir)
    report = Notes()
    parts_of("model=mymodel.Idle", "data=breast_cancer", "loss=bce", report=report)
    assert report.notes == ["2 of 4 parameters get no gradient, e.g. idle.weight"]


def test_seeds_draw_different_weights():
    one, other = (
        torch.cat(
            [p.flatten() for p in parts_of("model=mlp", f"seed={s}").step.parameters.values()]
        )
        for s in (1, 2)
    )
    assert not torch.equal(one, other)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_loss_is_computed_in_single_precision(precision):
    parts = parts_of("model=mlp", f"trainer.precision={precision}")
    value = parts.step.compute(parts.batch, 0.0)
    assert value.total.dtype == torch.float32


def test_a_slope_through_batch_normalisation_is_noted():
    report = Notes()
    parts_of(
        "model=unet",
        "model.norm=batch",
        "data.samples=8",
        "data.size=16",
        "loss=bce+jacobian_penalty",
        "loss.jacobian_penalty.projections=1",
        report=report,
    )
    assert len(report.notes) == 1
    assert report.notes[0].startswith("loss.jacobian_penalty asks the model again, in which")


def test_several_losses_may_ask_for_the_model():
    report = Notes()
    parts_of(
        "model=mlp", "data=digits", "loss=cross_entropy+jacobian_penalty+l2_norm", report=report
    )
    assert report.notes == []


@pytest.mark.parametrize(
    ("overrides", "noted"),
    [
        (["data=diabetes", "loss=mse"], ""),
        (["data=diabetes", "loss=torch.nn.MSELoss"], ""),
        (["data=digits", "loss=brier"], ""),
        (["model=vae", "loss=reconstruction"], ""),
        (["data=digits", "data.one_hot=true", "loss=cross_entropy"], ""),
        (["data=diabetes", "loss=torch.nn.BCEWithLogitsLoss"], "this target is real-valued"),
        (
            ["data=breast_cancer", "loss=torch.nn.L1Loss"],
            "this target is of classes: loss=bce fits",
        ),
    ],
    ids=[
        "mse",
        "torch's mse",
        "brier",
        "of the input",
        "one-hot",
        "bce of numbers",
        "l1 of labels",
    ],
)
def test_a_loss_for_another_kind_of_target_is_noted(overrides, noted):
    report = Notes()
    parts_of("model=mlp", *overrides, report=report)
    assert len(report.notes) == bool(noted)
    assert all(noted in note for note in report.notes)
