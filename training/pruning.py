"""Giving runs up: a search may end those that do not promise enough, after any epoch.

Training does not know who searches. It looks here, by the run's identity, for someone to ask; who
searches puts an answer here before the run begins.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .sweeps import identity

GivesUp = Callable[[int, float], bool]
"""Hears how many epochs are over and the monitored metric's value; whether the run is to end."""

_watched: dict[str, GivesUp] = {}  # by identity, the runs of this process


@contextmanager
def watching(runs: Mapping[str, GivesUp]) -> Iterator[None]:
    """Within it, the runs of these identities are asked about."""
    _watched.update(runs)
    try:
        yield
    finally:
        for key in runs:
            _watched.pop(key, None)


def is_watched(key: str) -> bool:
    """Whether someone in this process asks about the run of this identity."""
    return key in _watched


def watcher_of(config: Mapping[str, Any]) -> GivesUp | None:
    """Whom to ask after every epoch of the run; None if nobody searches."""
    return _watched.get(identity(config)) if _watched else None
