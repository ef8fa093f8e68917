import re

import pytest
from losslab.models.checks import check_at_least, check_choice, check_image, check_share


def test_what_is_allowed_passes():
    check_at_least("depth", 2, 2)
    check_share("dropout", 0.0)
    check_choice("norm", "group", ("group", "batch"))
    check_image("UNet", (3, 1, 1))


def test_too_little():
    with pytest.raises(ValueError, match=r"^depth must be at least 2; got 1$"):
        check_at_least("depth", 1, 2)


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_no_share(value):
    with pytest.raises(ValueError, match=rf"^dropout must be in \[0, 1\); got {value}$"):
        check_share("dropout", value)


@pytest.mark.parametrize(
    ("value", "hint"), [("grop", " Did you mean group?"), ("layer", "")], ids=["near", "far"]
)
def test_no_choice(value, hint):
    text = f"norm must be one of group, batch; got {value}.{hint}"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        check_choice("norm", value, ("group", "batch"))


@pytest.mark.parametrize("shape", [(30,), (8, 8), (1, 4, 4, 4)])
def test_no_image(shape):
    with pytest.raises(ValueError, match=r"^UNet expects images \(channels, height, width\); got "):
        check_image("UNet", shape)
