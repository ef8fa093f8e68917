"""Hydra composes each job's configuration anew, 60 ms each; most differ in a few values only."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write


class SweepLoader:
    """Hydra's own loader, but for the configurations of a sweep's jobs.

    What the jobs share is composed once, and each job's own values are set in a copy. An override
    that does more than to change a value is left to Hydra, and so is one that fails.

    Args:
        loader: Hydra's.
        forgiving: whether a sweeper that only looks whether all jobs can be composed is told so
            unseen: those that can't fail one by one when they are launched, and harm no other.
    """

    def __init__(self, loader: Any, *, forgiving: bool = False) -> None:
        self._loader = loader
        self._forgiving = forgiving
        self._parser = OverridesParser.create(config_loader=loader)
        self._parsed: dict[str, Override] = {}
        self._shared: dict[tuple[str, ...], DictConfig] = {}
        self._lent: dict[tuple[str, ...], DictConfig] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked for before there is a loader, when it is unpickled
            raise AttributeError(name)
        return getattr(self.__dict__["_loader"], name)

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: Sequence[str]
    ) -> DictConfig:
        """See Hydra's `ConfigLoader`."""
        if self._forgiving:
            return master_config
        return deepcopy(self.compose_job(master_config, sweep_overrides))

    def compose_job(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> DictConfig:
        """The configuration of one job; raises what Hydra says of one that is wrong.

        It is good until the next is asked for: a copy takes longer than all else.
        """
        overrides = list(sweep_overrides)
        parsed = [self._parse(override) for override in overrides]
        values = [(o.key_or_group, o.value()) for o in parsed if self._changes_a_value(o)]
        rest = tuple(str(o.input_line) for o in parsed if not self._changes_a_value(o))
        if rest not in self._shared:
            self._shared[rest] = self._loader.load_sweep_config(master_config, list(rest))
        # Of the jobs that set the same keys each replaces what the one before has set; a mapping is
        # merged into what is there, which must be as it was.
        keys = (*rest, "", *(key for key, _ in values))
        if keys not in self._lent or any(isinstance(value, Mapping) for _, value in values):
            self._lent[keys] = deepcopy(self._shared[rest])
        config = self._lent[keys]
        try:
            for key, value in values:
                OmegaConf.update(config, key, value, merge=True)
        except Exception:  # Hydra says it better
            whole: DictConfig = self._loader.load_sweep_config(master_config, overrides)
            return whole
        settings = config.hydra.job.config.override_dirname
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.overrides.task = overrides
            config.hydra.job.override_dirname = get_overrides_dirname(
                overrides=parsed,
                kv_sep=settings.kv_sep,
                item_sep=settings.item_sep,
                exclude_keys=settings.exclude_keys,
            )
        OmegaConf.copy_cache(from_config=master_config, to_config=config)
        return config

    def _parse(self, override: str) -> Override:
        if override not in self._parsed:
            (self._parsed[override],) = self._parser.parse_overrides([override])
        return self._parsed[override]

    def _changes_a_value(self, override: Override) -> bool:
        key = override.key_or_group
        return (
            not (override.is_add() or override.is_force_add() or override.is_delete())
            and override.package is None
            and not key.startswith("hydra.")
            and not self._loader.repository.group_exists(key)
        )
