import pytest
from kept_runs import config, loss
from losslab.analysis.varying import find_key, labels, matches, same_run, short_keys, varying
from losslab.errors import UserError

MLP = {"_target_": "losslab.models.MLP", "width": 8}
LINEAR = {"_target_": "losslab.models.Linear"}
CASES = {
    "nothing": ([config(), config()], []),
    "seeds": ([config(1), config(2)], []),
    "split-seeds": ([config(), config(data={**config()["data"], "split_seed": 1})], []),
    "name-and-tracking": ([config(), config(name="a", tracking={"enabled": True})], []),
    "number": ([config(lr=0.1), config(lr=0.2)], ["optimizer.lr"]),
    "one-and-one-point-zero": ([config(lr=1), config(lr=1.0)], []),
    "parts": ([config(model=MLP), config(model=LINEAR)], ["model"]),
    "inside-alike-parts": (
        [config(model=MLP), config(model=LINEAR), config(model={**MLP, "width": 4})],
        ["model", "model.width"],
    ),
    "losses": ([config(loss=loss("bce")), config(loss=loss("focal", gamma=2.0))], ["loss"]),
    "options-of-one-loss": (
        [
            config(loss=loss("bce")),
            config(loss=loss("focal", gamma=1.0)),
            config(loss=loss("focal", gamma=2.0)),
        ],
        ["loss", "loss.focal.gamma"],
    ),
    "schedules": (
        [
            config(loss=loss("kl", weight={"_target_": "losslab.losses.schedules.Linear"})),
            config(loss=loss("kl", weight={"_target_": "losslab.losses.schedules.Cyclical"})),
            config(loss=loss("kl", weight=0.5)),
        ],
        ["loss.kl.weight"],
    ),
    "an-option-more": ([config(), config(extra={"a": 1})], ["extra"]),
}


@pytest.mark.parametrize(("configs", "keys"), CASES.values(), ids=CASES)
def test_what_varies(configs, keys):
    assert varying(configs) == keys


def test_parts_are_called_by_their_last_word_unless_two_share_it():
    assert labels("model", [config(model=MLP), config(model=LINEAR)]) == ["MLP", "Linear"]
    other = {"_target_": "mine.MLP"}
    found = labels("model", [config(model=MLP), config(model=other)])
    assert found == ["losslab.models.MLP", "mine.MLP"]


def test_where_others_have_a_part_nothing_is_none():
    assert labels("balance", [{"balance": {"_target_": "losslab.PCGrad"}}, {"balance": None}]) == [
        "PCGrad", "none",
    ]  # fmt: skip


def test_numbers_that_differ_are_told_apart():
    assert labels("optimizer.lr", [config(lr=0.1), config(lr=0.1 + 1e-9)]) == [
        "0.1", "0.100000001",
    ]  # fmt: skip
    assert labels("x", [{"x": True}, {"x": None}, {"x": [1, 2]}, {}]) == [
        "true", "null", "[1, 2]", "–",
    ]  # fmt: skip


def test_short_keys_stay_different():
    assert short_keys(["optimizer.lr", "model.lr"]) == ["optimizer.lr", "model.lr"]


@pytest.mark.parametrize(
    ("asked", "label"), [("1e-3", "0.001"), ("mlp", "MLP"), ("conv_regressor", "ConvRegressor")]
)
def test_what_people_type_is_understood(asked, label):
    assert matches(asked, label)
    assert not matches(asked, "other")


def test_a_key_by_its_end():
    assert find_key("lr", [config()], "--by") == "optimizer.lr"
    assert find_key("loss", [config()], "--by") == "loss"


def test_of_several_keys_the_one_that_varies():
    configs = [config(model={**MLP, "lr": 1}, lr=lr) for lr in (0.1, 0.2)]
    assert find_key("lr", configs, "--by") == "optimizer.lr"


def test_an_unknown_key_is_an_error():
    with pytest.raises(UserError, match=r"--by widht: no run has that key. Did you mean width\?"):
        find_key("widht", [config(), config(lr=1)], "--by")


def test_an_ambiguous_key_is_an_error():
    with pytest.raises(UserError, match=r"--by _target_ may be any of data._target_, loss\.bce"):
        find_key("_target_", [config()], "--by")


def test_the_same_run_is_the_same_wherever_it_is_recorded():
    again = config(name="again", tracking={}, trainer={"epochs": 2, "checkpoint_every": 5.0})
    assert same_run(config()) == same_run(again)
    assert same_run(config(1)) != same_run(config(2))
