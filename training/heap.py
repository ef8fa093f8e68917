"""Memory as a training loop uses it: objects that only stay, and tensors that come and go."""

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_TRIM, _MMAP = -1, -3  # what mallopt calls them, in glibc's malloc.h
_SETTINGS = {"GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"}


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


@cache
def keep_freed_memory() -> bool:
    """Have the process keep the memory of freed tensors, for the next step; whether it does now.

    glibc returns freed memory of some tens of megabytes to the system at once. Each step of a
    network on images would ask for it anew, and wait while the system fills it with zeros, page by
    page: a fifth of the step. This holds until the process ends. Other C libraries are left as they
    are, and so is a user's own choice in the environment.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is None or _SETTINGS & set(os.environ):
        return False
    # Older versions of glibc take no more than 32 MiB for the second.
    return bool(mallopt(_TRIM, 2**31 - 1) and (mallopt(_MMAP, 2**30) or mallopt(_MMAP, 2**25)))
