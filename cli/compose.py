"""Hydra: the schema, names of runs, and a configuration from overrides."""

import itertools
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, ListConfig, OmegaConf

from hydra_plugins.losslab.auto import AutoConf, AutoLauncher
from hydra_plugins.losslab.optuna import OptunaConf, OptunaSweeper
from hydra_plugins.losslab.vectorized import VectorizedConf, VectorizedLauncher

from ..errors import UserError
from ..training.config import RunConfig
from ..training.runs import RUNS_DIR
from .overrides import rewrite

CONFIG_MODULE = "losslab.conf"
CONFIG_NAME = "train"


def register() -> None:
    """Tell Hydra the schema of a run, how runs are named, our launchers and our sweeper."""
    store = ConfigStore.instance()
    store.store("schema", RunConfig)
    store.store("auto", AutoConf, group="hydra/launcher", provider="losslab")
    store.store("vectorized", VectorizedConf, group="hydra/launcher", provider="losslab")
    store.store("optuna", OptunaConf, group="hydra/sweeper", provider="losslab")
    # Hydra's own search misses the plugins of an editable installation.
    for plugin in (AutoLauncher, VectorizedLauncher, OptunaSweeper):
        Plugins.instance().register(plugin)
    OmegaConf.register_new_resolver("losslab.run_name", run_name, use_cache=True, replace=True)
    OmegaConf.register_new_resolver(
        "losslab.sweep_name", lambda: run_name("sweep"), use_cache=True, replace=True
    )


def run_name(name: str | None, *choices: Any) -> str:
    """A name that no run here has: what was chosen, and six hexadecimal digits.

    >>> run_name(None, ["dice", "bce"], "unet")[:-6]
    'dice+bce-unet-'
    """
    words = (
        [name]
        if name
        else ["+".join(c) if isinstance(c, (list, ListConfig)) else str(c) for c in choices]
    )
    stem = re.sub(r"[^\w.+-]+", "-", "-".join(words).replace(",", "+").replace(" ", "")).strip("-")
    candidates = (f"{stem}-{secrets.token_hex(3)}" for _ in itertools.count())
    return next(c for c in candidates if not (RUNS_DIR / c).exists())


def compose_config(overrides: list[str], config_dir: str | None = None) -> DictConfig:
    """The configuration that `losslab train OVERRIDES…` would use, unresolved."""
    register()
    GlobalHydra.instance().clear()
    extra = [f"hydra.searchpath=[file://{Path(config_dir).absolute()}]"] if config_dir else []
    with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
        return compose(CONFIG_NAME, overrides=[*rewrite(overrides), *extra])


def plain(config: DictConfig, without: str | None = None) -> dict[str, Any]:
    """The configuration as plain containers, with every reference resolved.

    Args:
        config: the configuration.
        without: a key that is left out.

    Raises:
        omegaconf.MissingMandatoryValue: a key that must be set is not.
    """
    return {str(key): _resolved(config, key) for key in config if key != without}


def _resolved(config: DictConfig, key: Any) -> Any:
    value = config[key]  # raises where it must be set and is not
    if not OmegaConf.is_config(value):
        return value
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True)


def composed(words: Sequence[str]) -> dict[str, Any]:
    """The configuration that the words ask for, as plain containers.

    Raises:
        UserError: a mistake in the words.
    """
    from .errors import explain_hydra

    try:
        return plain(compose_config(list(words)))
    except Exception as error:
        text = explain_hydra(error, words)
        if text is None:
            raise
        raise UserError(text) from error
