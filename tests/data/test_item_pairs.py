"""All pairs of items."""

import pytest
from losslab.data import item_pairs


def test_every_pair_is_there_once():
    source = item_pairs(items=12)
    pairs = {tuple(pair) for pair in source.splits["train"]["input"].tolist()}
    assert len(pairs) == source.size("train") == 12 * 11 / 2
    assert all(first < second < 12 for first, second in pairs)
    assert source.size("val") == source.size("test") == 0


def test_two_items_have_one_pair_only():
    with pytest.raises(ValueError, match="items must be at least 3, which have 3 pairs; got 2"):
        item_pairs(items=2)
