import gc

import pytest
from losslab.training.heap import frozen_heap


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
