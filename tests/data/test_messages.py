"""Pieces of error messages."""

from losslab.data.messages import did_you_mean, listed


def test_few_items_are_all_listed():
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == ""


def test_many_items_are_counted():
    assert listed(range(2000), most=2) == "0, 1 and 1,998 more"


def test_only_a_near_name_is_suggested():
    assert did_you_mean("zzz", ["price", "rooms"]) == ""
