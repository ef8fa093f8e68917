"""Changes to the configuration of a run that exists already: `--resume RUN trainer.epochs=40`."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..errors import UserError
from ..training.config import RunConfig


def apply_changes(config: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """The run's configuration with some values changed.

    Args:
        config: as the run was started.
        changes: `key=value` overrides of keys that it has.

    Raises:
        UserError: an override that can't be read, or of a key the run has not.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    changed = OmegaConf.structured(RunConfig)
    changed.merge_with(dict(config))
    for override in OverridesParser.create().parse_overrides(list(changes)):
        key = override.key_or_group
        parent, _, name = key.rpartition(".")
        node = OmegaConf.select(changed, parent) if parent else changed
        if not OmegaConf.is_dict(node) or name not in node:
            names = list(node) if OmegaConf.is_dict(node) else []
            near = get_close_matches(name, [str(n) for n in names], n=1)
            hint = f" Did you mean {parent}{'.' if parent else ''}{near[0]}?" if near else ""
            raise UserError(f"the run has no key {key}.{hint}")
        if OmegaConf.is_dict(node[name]):
            raise UserError(
                f"{key}=… would replace a whole part of the run: start a new run instead, or "
                f"change single values such as {key}.{next(iter(node[name]), 'KEY')}"
            )
        OmegaConf.update(changed, key, override.value())
    container = OmegaConf.to_container(changed)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}
