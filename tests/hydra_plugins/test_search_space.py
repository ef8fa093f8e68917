"""The command line as a search space, and its points as overrides."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from losslab.errors import UserError

from hydra_plugins.losslab.search_space import first_point, split, words

distributions = pytest.importorskip("optuna.distributions")
Choice = distributions.CategoricalDistribution
Real = distributions.FloatDistribution
Whole = distributions.IntDistribution


def space_of(*overrides):
    return split(OverridesParser.create().parse_overrides(list(overrides)))


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("k=interval(1e-4,1e-1)", Real(1e-4, 1e-1)),
        ("k=tag(log,interval(1e-4,1e-1))", Real(1e-4, 1e-1, log=True)),
        ("k=interval(1,8)", Real(1.0, 8.0)),
        ("k=int(interval(1,8))", Whole(1, 8)),
        ("k=tag(log,int(interval(1,8)))", Whole(1, 8, log=True)),
        ("k=range(1,10)", Whole(1, 9)),
        ("k=range(1,10,4)", Whole(1, 9, step=4)),
        ("k=range(5,1,-2)", Whole(3, 5, step=2)),
        ("k=range(0,1,step=0.25)", Real(0.0, 0.75, step=0.25)),
        ("k=tag(log,range(1,100))", Whole(1, 99, log=True)),
        ("k=choice(1,2.5,true,abc)", Choice((1, 2.5, True, "abc"))),
        ("k=1,2,null", Choice((1, 2, "null"))),
        ("k=dice,[dice,bce]", Choice(("dice", "[dice,bce]"))),
        ("k='x y',{a:1}", Choice(("'x y'", "{a:1}"))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_way_to_write_a_range(override, expected):
    space, shared = space_of(override)
    assert space == {"k": expected}
    assert shared == []


def test_shuffled_lists_are_choices():
    space, _ = space_of("k=shuffle(1,2,3)")
    assert sorted(space["k"].choices) == [1, 2, 3]


def test_all_else_is_shared_as_it_is_written():
    space, shared = space_of("model=mlp", "+a.b='x y'", "++c=[1,2]", "~d", "seed=1,2", "+e@f=g,h")
    assert shared == ["model=mlp", "+a.b='x y'", "++c=[1,2]", "~d"]
    assert list(space) == ["seed", "+e@f"]


def test_a_point_is_written_so_that_it_reads_as_the_same_value():
    point = {"a": 1e-05, "b": 3, "c": True, "d": "[dice,bce]", "e": "'x y'", "f": "null"}
    parsed = OverridesParser.create().parse_overrides(words(point))
    assert [o.value() for o in parsed] == [1e-5, 3, True, ["dice", "bce"], "x y", None]


def test_the_first_point_is_the_lower_end_and_the_first_choice():
    space, _ = space_of("a=interval(1,8)", "b=range(2,9)", "c=x,y")
    assert first_point(space) == {"a": 1.0, "b": 2, "c": "x"}


def test_without_a_range_there_is_nothing_to_search():
    with pytest.raises(UserError, match="nothing to search: give a range to at least one key"):
        space_of("model=mlp")


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("k=tag(log,interval(0,1))", r"k=tag\(log,interval\(0,1\)\) can't be searched: .*low"),
        ("k=interval(2,1)", "can't be searched: .*low.*high"),
        ("k=tag(log,range(0,1,step=0.5))", "can't be searched: .*log"),
        ("k=range(3,3)", r"k=range\(3,3\) can't be searched: it is empty"),
    ],
)
def test_a_range_that_is_none_says_why(override, reason):
    with pytest.raises(UserError, match=reason):
        space_of(override)
