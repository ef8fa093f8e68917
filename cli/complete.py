"""Shell completion of Hydra overrides: groups, choices, keys. Imports neither torch nor MLflow."""

from .listing import choices, groups


def complete_override(incomplete: str, arguments: list[str]) -> list[str]:
    """What the word being typed may become.

    >>> complete_override("loss=di", [])
    ['loss=dice']

    Args:
        incomplete: the word so far.
        arguments: the words before it; `model=vae` there makes the keys of the VAE known.
    """
    key, equals, value = incomplete.partition("=")
    if equals:
        group = key.split("@")[0]
        if group not in groups():
            return []
        head, last = _last_choice(value)
        return [f"{key}={head}{choice}" for choice in choices(group) if choice.startswith(last)]
    names = [f"{group}=" for group in groups()] if "." not in incomplete else []
    return [name for name in [*names, *_keys(incomplete, arguments)] if name.startswith(incomplete)]


def _last_choice(value: str) -> tuple[str, str]:
    """`[dice,b` and `dice+b` are completed at `b`."""
    cut = max(value.rfind(mark) for mark in ",+[") + 1
    return value[:cut], value[cut:]


def _keys(incomplete: str, arguments: list[str]) -> list[str]:
    """The keys below the part before the last dot, in the configuration as typed so far."""
    from omegaconf import DictConfig, OmegaConf

    from .compose import compose_config

    overrides = [a for a in arguments if "=" in a and not a.startswith("-")]
    try:
        config = compose_config(overrides)
    except Exception:  # what is typed so far may not compose yet: complete without it
        config = compose_config([])
    parent = incomplete.rpartition(".")[0]
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig):
        return []
    prefix = f"{parent}." if parent else ""
    keys = []
    for name in map(str, node):
        if name == "_target_" or (not parent and name in groups()):
            continue
        below = not OmegaConf.is_missing(node, name) and isinstance(node[name], DictConfig)
        keys.append(f"{prefix}{name}{'.' if below else '='}")
    if not parent:
        keys += [f"{group}." for group in groups() if isinstance(node.get(group), DictConfig)]
    return keys
