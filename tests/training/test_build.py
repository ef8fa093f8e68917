from collections.abc import Mapping, Sequence
from typing import Literal

import pytest
from losslab.errors import UserError
from losslab.training.build import check_options, files_loaded_once, fits_type, instantiate, locate


def area(width: float, height: float = 1.0, *, unit: Literal["m", "cm"] = "m") -> str:
    if width < 0:
        raise ValueError("width must not be negative")
    return f"{width * height} {unit}²"


def here(name):
    return f"{__name__}.{name}"


def test_a_file_and_a_function_in_it_are_found(tmp_path):
    (tmp_path / "mine.py").write_text("def double(x):\n    return 2 * x\n")
    assert locate(f"{tmp_path}/mine.py:double")(4) == 8


def test_a_class_inside_a_module_is_found():
    assert locate("collections.OrderedDict.fromkeys")([1]) == {1: None}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        pytest.param("nonsense", "names nothing: expected package", id="no-dot"),
        pytest.param("nopackage.thing", "there is no module nopackage", id="no-package"),
        pytest.param("math.sqr", "no sqr in math. Did you mean sqrt", id="near-name"),
        pytest.param("torch.nn.Lineer", "Did you mean Linear", id="near-class"),
        pytest.param("./absent.py:loss", "no such file: absent.py", id="no-file"),
    ],
)
def test_what_names_nothing_is_an_error(target, message):
    with pytest.raises(UserError, match=message):
        locate(target)


def test_a_near_file_is_proposed(tmp_path):
    (tmp_path / "losses.py").write_text("")
    with pytest.raises(UserError, match=r"Did you mean .*losses\.py"):
        locate(f"{tmp_path}/loses.py:f")


def test_a_file_with_an_error_is_told_with_its_error(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(UserError, match="could not be loaded: ZeroDivisionError"):
        locate(f"{tmp_path}/broken.py:f")


def test_a_module_that_fails_to_import_another_says_so(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="importing needs_more failed: No module named 'not_inst"):
        locate("needs_more.f")


def test_nested_nodes_are_built_first():
    node = {"_target_": here("area"), "width": {"_target_": "builtins.float", "x": 3}}
    with pytest.raises(UserError, match=r"model\.width"):
        instantiate(node, "model")
    node = {"_target_": "losslab.losses.schedules.Linear", "end": 2.0}
    assert instantiate({"_target_": here("area"), "width": 2.0}, "m") == "2.0 m²"
    assert instantiate(node, "m")(10) == 2.0


def test_supplied_values_are_given_only_to_who_asks_and_the_node_wins():
    supplied = {"height": 5.0, "depth": 9.0}
    node = {"_target_": here("area"), "width": 2.0}
    assert instantiate(node, "m", supplied) == "10.0 m²"
    assert instantiate({**node, "height": 1.0}, "m", supplied) == "2.0 m²"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"width": 1, "heigth": 2}, "Did you mean m.height", id="unknown"),
        pytest.param({}, "area needs width", id="missing"),
        pytest.param({"width": "abc"}, "must be a number; got 'abc'", id="type"),
        pytest.param({"width": 1, "unit": "mm"}, "must be one of m, cm; got 'mm'", id="literal"),
        pytest.param({"width": -1}, "m: width must not be negative", id="refused-by-the-call"),
    ],
)
def test_wrong_options_are_errors(options, message):
    with pytest.raises(UserError, match=message):
        instantiate({"_target_": here("area"), **options}, "m")


def test_what_others_supply_is_no_option():
    check_options(area, {}, "m", given=["width"])
    with pytest.raises(UserError, match=r"unknown key m\.width: area has height, unit"):
        check_options(area, {"width": 1.0}, "m", given=["width"])


@pytest.mark.parametrize(
    ("value", "hint", "fits"),
    [
        (True, float, False),
        (1, float, True),
        (1.5, int, False),
        (True, int, False),
        ("yes", bool, False),
        (None, float, False),
        (None, float | None, True),
        ({"a": 1}, Mapping[str, int], True),
        ([1], Mapping[str, int], False),
        ([1, 2], Sequence[float], True),
        (3, Sequence[float], False),
        ("relu", str, True),
        (3, str, False),
    ],
)
def test_types_of_values(value, hint, fits):
    assert fits_type(value, hint) is fits


def test_a_file_is_loaded_anew_but_where_classes_must_be_the_same(tmp_path):
    (tmp_path / "mine.py").write_text("class Net:\n    calls = []\n")
    target = f"{tmp_path}/mine.py:Net"
    assert locate(target) is not locate(target)
    with files_loaded_once():
        assert locate(target) is locate(target)
    assert locate(target) is not locate(target)
