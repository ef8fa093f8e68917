import pytest
from losslab.cli.listing import choices, describe, groups


def test_every_group_of_the_design_is_there():
    expected = [
        "data",
        "experiment",
        "loss",
        "model",
        "optimizer",
        "schedule",
        "tracking",
        "trainer",
    ]
    assert groups() == expected


@pytest.mark.parametrize("group", groups())
def test_every_choice_has_its_line(group):
    for choice in choices(group):
        line = describe(group, choice)
        assert len(line) > 8, (group, choice)
        assert "`" not in line


def test_all_groups_are_listed(cli):
    outcome = cli("list")
    assert outcome.code == 0
    for group in groups():
        assert f"{group}=…" in outcome.out


def test_one_group_by_its_plural(cli):
    outcome = cli("list", "losses")
    assert outcome.code == 0
    assert "dice" in outcome.out
    assert "unet" not in outcome.out
