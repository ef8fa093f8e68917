import pytest
from losslab.cli.listing import choices, describe, families, groups


def test_every_group_of_the_design_is_there():
    expected = [
        "balance",
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


def test_every_loss_is_in_one_family():
    found = families()
    assert sorted(choice for each in found.values() for choice in each) == choices("loss")
    assert found["classes and labels"][:2] == ["bce", "cross_entropy"]
    assert "mse" in found["real-valued answers"]
    assert "a2c_critic" in found["policies"]
    assert found["others"] == ["custom"]


def test_losses_are_listed_by_family(cli):
    out = cli("list", "losses").out
    assert out.index("classes and labels") < out.index("  bce ") < out.index("  masks\n")


def test_a_file_that_is_one_use_of_a_function_says_which():
    assert describe("loss", "entropy").startswith("The entropy bonus of a policy")
    assert describe("loss", "confidence_penalty").startswith("Negative entropy")


def test_without_a_terminal_a_choice_takes_one_line(cli, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = cli("list", "losses").out.splitlines()
    assert len([line for line in lines if line.startswith("  ")]) == len(choices("loss")) + len(
        families()
    )
