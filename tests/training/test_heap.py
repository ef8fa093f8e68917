import gc
import subprocess
import sys

import pytest
from losslab.training.heap import frozen_heap, keep_freed_memory


class Node:
    """Something that refers to itself, so that only the collector frees it."""

    def __init__(self):
        self.own = self


def test_what_is_there_is_passed_over_and_what_is_new_is_collected():
    gc.collect()
    before = gc.get_freeze_count()
    Node()  # garbage that is there already
    with frozen_heap():
        assert gc.get_freeze_count() > before
        assert gc.collect() == 0
        Node()
        assert gc.collect() > 0
    assert gc.get_freeze_count() == before
    assert gc.collect() > 0


def test_an_error_leaves_nothing_frozen():
    before = gc.get_freeze_count()
    with pytest.raises(RuntimeError), frozen_heap():
        raise RuntimeError
    assert gc.get_freeze_count() == before


STEPS = """
import resource, torch
from losslab.training.heap import keep_freed_memory
kept = {kept} and keep_freed_memory()
def step():
    for _ in range(3):
        torch.ones(2 ** 24) + 1  # 64 MiB each, which glibc would always give back
step(), step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_freed_memory_is_kept_for_the_next_step():
    def faults(kept):
        out = subprocess.check_output([sys.executable, "-c", STEPS.format(kept=kept)], text=True)
        return [int(word) for word in out.split()]

    (before, given_back), (now, kept) = faults(False), faults(True)
    assert (before, now) == (0, 1)
    assert 10 * kept < given_back


@pytest.mark.parametrize("name", ["GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_"])
def test_the_users_own_settings_stay(name, monkeypatch):
    monkeypatch.setenv(name, "1")
    assert keep_freed_memory.__wrapped__() is False
