"""Python's garbage collector and the many objects that only stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def frozen_heap() -> Iterator[None]:
    """Within it, the collector passes over all objects that are there already.

    The modules of torch and of its compiler are a million of them. A full collection looks at each,
    for a tenth to a third of a second, and a few happen in a minute of small steps. What is new is
    collected as ever. A heap that somebody has frozen already is left alone.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
