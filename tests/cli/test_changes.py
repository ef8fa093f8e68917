import pytest
from losslab.cli.changes import apply_changes
from losslab.errors import UserError

CONFIG = {"seed": 0, "trainer": {"epochs": 2, "patience": None}, "loss": {"dice": {"weight": 1.0}}}


def test_single_values_are_changed_and_the_original_is_not():
    changed = apply_changes(CONFIG, ["trainer.epochs=5", "loss.dice.weight=0.5", "seed=3"])
    assert changed["trainer"]["epochs"] == 5
    assert changed["loss"]["dice"]["weight"] == 0.5
    assert changed["seed"] == 3
    assert CONFIG["trainer"]["epochs"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("trainer.epoch=5", "the run has no key trainer.epoch. Did you mean trainer.epochs"),
        ("nothing.at.all=1", "the run has no key nothing.at.all"),
        ("trainer=debug", "would replace a whole part of the run"),
    ],
)
def test_what_the_run_has_not_is_an_error(change, message):
    with pytest.raises(UserError, match=message):
        apply_changes(CONFIG, [change])
