"""Every YAML composes, instantiates and passes preflight; the schema and the files agree."""

import re
import shlex
from dataclasses import asdict, fields

import numpy as np
import pytest
import torch
import yaml
from losslab.cli.compose import compose_config, plain
from losslab.cli.listing import CONF, choices
from losslab.training.build import build_options
from losslab.training.config import RunConfig, TrackingConfig, TrainerConfig
from losslab.training.distributed import World
from losslab.training.report import Report
from losslab.training.run import prepare

SMALL = {"small_targets": ["data.samples=8", "data.size=16"], "power_angle": ["data.samples=8"]}
DATA_FITS = {
    "bandit": ["model=linear", "loss=policy_gradient"],
    "gymnasium": ["model=actor_critic"],
    "enzyme_rates": ["model=equation"],
    "item_pairs": ["model=losslab.experiments.correlation.TwoLists", "loss=pearson"],
    "one_to_many": ["model=mdn"],
    "ising": ["model=conv_chain", "data.samples=40", "data.sweeps=2"],
    "touching_cells": ["model=unet", "loss=cross_entropy", "data.samples=8", "data.size=16"],
    "breast_cancer": ["model=mlp"],
    "digits": ["model=vae"],
    "diabetes": ["model=mlp", "loss=mse"],
    "small_targets": ["model=unet", *SMALL["small_targets"]],
    "power_angle": ["model=conv_regressor", *SMALL["power_angle"]],
    "csv": ["model=mlp", "data.path=table.csv", "data.target=y"],
    "images": ["model=unet", "data.path=pictures"],
    "values": ["model=linear", "loss=mse", "data.input=[[2,3]]", "data.target=[1]"],
}
MODEL_NEEDS = {
    "unet": SMALL["small_targets"],
    "conv_regressor": SMALL["power_angle"],
    "custom": ["model._target_=losslab.models.Linear", "data=breast_cancer", "loss=bce"],
}


def preflight(overrides):
    config = plain(compose_config(overrides))
    trainer = TrainerConfig(**config["trainer"])
    return prepare(config, trainer, torch.device("cpu"), World(), Report())


def first_line(path):
    return path.read_text().splitlines()[0]


TRAINED = [
    loss
    for loss in choices("loss")
    if loss != "custom" and first_line(CONF / "loss" / f"{loss}.yaml").startswith("# losslab train")
]


@pytest.mark.parametrize("loss", TRAINED)
def test_the_command_that_a_loss_opens_with_passes_preflight(loss):
    overrides = shlex.split(
        first_line(CONF / "loss" / f"{loss}.yaml").removeprefix("# losslab train")
    )
    small = SMALL["small_targets"] if "model=unet" in overrides else []
    small = SMALL["power_angle"] if "model=conv_regressor" in overrides else small
    parts = preflight([*overrides, *small])
    expected = "kl" if loss == "gaussian_kl" else loss
    assert expected in [term.name for term in parts.objective.terms]


def test_a_loss_of_the_users_passes_preflight():
    parts = preflight(["loss=custom", "model=mlp", "loss.custom._target_=losslab.losses.bce"])
    assert [term.name for term in parts.objective.terms] == ["custom"]


@pytest.mark.parametrize("model", choices("model"))
def test_every_model_passes_preflight_with_what_it_is_shown_with(model):
    parts = preflight([f"model={model}", *MODEL_NEEDS.get(model, [])])
    assert parts.outputs


@pytest.mark.parametrize("data", choices("data"))
def test_every_data_set_passes_preflight(data, workdir):
    from PIL import Image

    generator = np.random.default_rng(0)
    rows = [f"{a:.3f},{int(a > 0)}" for a in generator.normal(size=40)]
    (workdir / "table.csv").write_text("\n".join(["a,y", *rows]))
    for index in range(8):
        image = generator.integers(0, 255, (16, 16), dtype=np.uint8)
        for folder, picture in (("images", image), ("masks", (image > 128).astype(np.uint8) * 255)):
            path = workdir / "pictures" / folder / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
    assert preflight([f"data={data}", *DATA_FITS[data]]).source.size("train") > 0


@pytest.mark.parametrize("optimizer", choices("optimizer"))
def test_every_optimizer_passes_preflight(optimizer):
    loss = "bce+l1_norm" if optimizer in ("ista", "fista") else "bce"
    overrides = ["model=mlp", f"loss={loss}", f"optimizer={optimizer}"]
    assert preflight(overrides).step.optimizer is not None


@pytest.mark.parametrize("schedule", choices("schedule"))
def test_every_schedule_is_built_and_called(schedule):
    config = plain(compose_config(["model=vae", f"schedule@loss.kl.weight={schedule}"]))
    weight = build_options(config["loss"]["kl"], "loss.kl")["weight"]
    assert all(isinstance(weight(time), float) for time in (0.0, 0.5, 3.0, 100.0))


def test_a_key_of_a_schedule_can_be_set_on_the_same_line():
    overrides = ["model=vae", "schedule@loss.kl.weight=cyclical", "loss.kl.weight.period=4"]
    assert plain(compose_config(overrides))["loss"]["kl"]["weight"]["period"] == 4


@pytest.mark.parametrize("trainer", choices("trainer"))
def test_trainers_have_every_key_of_the_schema(trainer):
    config = plain(compose_config([f"trainer={trainer}"]))["trainer"]
    assert list(config) == [field.name for field in fields(TrainerConfig)]
    TrainerConfig(**config)


@pytest.mark.parametrize(
    ("path", "schema"),
    [("trainer/default", TrainerConfig), ("tracking/mlflow", TrackingConfig)],
    ids=["trainer", "tracking"],
)
def test_the_default_files_hold_the_defaults_of_the_schema(path, schema):
    assert yaml.safe_load((CONF / f"{path}.yaml").read_text()) == asdict(schema())


def test_the_configuration_has_every_key_of_the_schema():
    assert set(plain(compose_config([]))) == {field.name for field in fields(RunConfig)}


GROUPS = ("data", "loss", "model", "balance", "optimizer", "trainer", "tracking", "experiment")
FILES = [path for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_file_opens_with_its_command(path):
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert any(re.search("losslab (train|explain) ", line) for line in comments)
