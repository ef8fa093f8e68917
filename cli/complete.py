"""Shell completion of Hydra overrides: groups, choices, keys. Imports neither torch nor MLflow."""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

from .listing import choices, groups, loss_options

_BASH_BREAKS = "=@:"  # characters at which bash parts the words of a line


def complete_override(word: str, before: Sequence[str] = ()) -> list[str]:
    """What the word being typed may become.

    >>> complete_override("loss=di")
    ['loss=dice']

    Args:
        word: the word so far.
        before: the words before it; `model=vae` there makes the keys of the VAE known.
    """
    key, equals, value = word.partition("=")
    if equals:
        group = key.split("@")[0]
        if group not in groups():
            return []
        head, last = _last_choice(value)
        return [f"{key}={head}{choice}" for choice in choices(group) if choice.startswith(last)]
    names = [f"{group}=" for group in groups()] if "." not in word else []
    return [name for name in [*names, *_keys(word, before)] if name.startswith(word)]


def complete_loss(word: str, before: Sequence[str] = ()) -> list[str]:
    """The losses that the word may become, or the options of the loss before it.

    >>> complete_loss("gaussian_k")
    ['gaussian_kl']
    >>> complete_loss("ga", ["losslab", "explain", "focal"])[-1:]
    ['gamma=']
    """
    found = [choice for choice in choices("loss") if choice != "custom"]
    earlier = [name for name in before if name in found]
    if earlier:
        found += [f"{name}=" for name in loss_options(earlier[-1])]
    return [name for name in found if name.startswith(word)]


def words_before() -> list[str]:
    """The words of the line before the one being completed, as the shell has told them."""
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    return line.split()[:-1]


@contextmanager
def words_as_typed() -> Iterator[None]:
    """Within it, bash's completion sees `loss=di` as one word.

    Bash parts words at = @ and :, hands over three words, and wants an answer for the last. So the
    words are joined before Typer looks at them, and the answers are cut to what bash will insert.
    """
    words = os.environ["COMP_WORDS"].split()[: int(os.environ["COMP_CWORD"]) + 1]
    if len(words) <= int(os.environ["COMP_CWORD"]):
        words.append("")  # a new word begins
    last = "" if words[-1] in _BASH_BREAKS else words[-1]
    joined = _joined(words)
    os.environ["COMP_WORDS"] = " ".join(joined)
    os.environ["COMP_CWORD"] = str(len(joined) - 1)
    answers = io.StringIO()
    try:
        with redirect_stdout(answers):
            yield
    finally:
        cut = len(joined[-1]) - len(last)
        for answer in answers.getvalue().splitlines():
            print(answer[cut:])


def _joined(words: list[str]) -> list[str]:
    """The words of the line as they were typed, where bash has parted them."""
    joined: list[str] = []
    glue = False
    for word in words:
        breaks = bool(word) and word in _BASH_BREAKS
        if joined and (glue or breaks):
            joined[-1] += word
        else:
            joined.append(word)
        glue = breaks
    return joined


def _last_choice(value: str) -> tuple[str, str]:
    """`[dice,b` and `dice+b` are completed at `b`."""
    cut = max(value.rfind(mark) for mark in ",+[") + 1
    return value[:cut], value[cut:]


def _keys(word: str, before: Sequence[str]) -> list[str]:
    """The keys below the part before the last dot, in the configuration as typed so far."""
    from omegaconf import DictConfig, OmegaConf

    from .compose import compose_config

    overrides = [a for a in before if "=" in a and not a.startswith("-")]
    try:
        config = compose_config(overrides)
    except Exception:  # what is typed so far may not compose yet: complete without it
        config = compose_config([])
    parent = word.rpartition(".")[0]
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
