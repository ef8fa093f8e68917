"""Configurations of a sweep's jobs, composed quickly, are the ones that Hydra composes."""

import pytest
from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from losslab.cli.compose import register
from omegaconf import OmegaConf

from hydra_plugins.losslab.loader import SweepLoader


@pytest.fixture
def loaders():
    """Hydra's loader, ours around it, and the configuration of a sweep."""
    register()
    GlobalHydra.instance().clear()
    with initialize_config_module("losslab.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        words = ["model=mlp", "optimizer.lr=0.1,0.2"]
        sweep = loader.load_configuration("train", overrides=words, run_mode=RunMode.MULTIRUN)
        yield loader, SweepLoader(loader), sweep
    GlobalHydra.instance().clear()


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=mlp", "optimizer.lr=0.1", "seed=3"],
        ["model=mlp", "loss.bce.class_weight=[1,3]"],
        ["loss=[dice,bce]", "model=unet", "loss.bce.weight=0.3"],
        ["model=vae", "+schedule@loss.kl.weight=cyclical", "loss.kl.weight.period=4"],
        ["loss=custom", '++loss.custom._target_="losslab.losses.bce"', "++loss.custom.gamma=2"],
    ],
    ids=lambda overrides: overrides[-1],
)
def test_they_are_equal(loaders, overrides):
    hydras, ours, sweep = loaders
    for _ in range(2):  # composed, then copied
        config = ours.load_sweep_config(sweep, overrides)
        expected = hydras.load_sweep_config(sweep, overrides)
        assert OmegaConf.to_container(config) == OmegaConf.to_container(expected)


def test_one_job_does_not_change_the_next(loaders):
    _, ours, sweep = loaders
    first = ours.load_sweep_config(sweep, ["optimizer.lr=0.1"])
    second = ours.load_sweep_config(sweep, ["optimizer.lr=0.2"])
    assert (first.optimizer.lr, second.optimizer.lr) == (0.1, 0.2)


def test_jobs_in_turn_are_each_what_hydra_composes(loaders):
    hydras, ours, sweep = loaders
    jobs = [
        ["model=mlp", "optimizer.lr=0.1", "loss.bce.class_weight=[1,3]"],
        ["model=mlp", "optimizer.lr=0.2", "loss.bce.class_weight={0:1,1:3}"],
        ["model=mlp", "optimizer.lr=0.3", "loss.bce.class_weight={1:5}"],
        ["model=mlp", "optimizer.lr=0.4"],
        ["model=linear", "optimizer.lr=0.4"],
        ["model=mlp", "optimizer.lr=0.5", "loss.bce.class_weight=[1,2]"],
        ["model=mlp", "optimizer.lr=0.1", "loss.bce.class_weight=null"],
    ]
    for overrides in jobs:
        config = ours.compose_job(sweep, overrides)
        expected = hydras.load_sweep_config(sweep, overrides)
        assert OmegaConf.to_container(config) == OmegaConf.to_container(expected)
    with pytest.raises(Exception, match="abc"):
        ours.compose_job(sweep, ["model=mlp", "trainer.epochs=abc", "optimizer.lr={a:1}"])
    config = ours.compose_job(sweep, jobs[0])
    expected = hydras.load_sweep_config(sweep, jobs[0])
    assert OmegaConf.to_container(config) == OmegaConf.to_container(expected)


def test_an_override_that_fails_fails_as_hydra_says(loaders):
    _, ours, sweep = loaders
    with pytest.raises(Exception, match=r"Could not override 'trainer\.epoch'"):
        ours.load_sweep_config(sweep, ["trainer.epoch=3"])
