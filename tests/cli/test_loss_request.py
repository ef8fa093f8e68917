"""What a person asks for on the command line: a loss and its options."""

import pytest
from losslab.cli.loss_request import Request, load, read_requests
from losslab.errors import UserError


def test_options_make_variants_and_brackets_hold_lists():
    requests = read_requests(["focal", "alpha=[1,2],null", "gamma=0,5", "bce"])
    assert [r.options for r in requests[:2]] == [
        {"alpha": [1, 2], "gamma": 0},
        {"alpha": [1, 2], "gamma": 5},
    ]
    assert requests[3].label == "focal, alpha=null, gamma=5"
    assert requests[-1].label == "bce"
    with pytest.raises(UserError, match="stands before any loss"):
        read_requests(["a=1"])


def test_a_loss_is_found_with_what_is_known_of_it():
    loss = load(Request("focal", {"gamma": 1}))
    assert loss.target == "losslab.losses.focal.focal"
    assert loss.options["gamma"] == 1
    assert loss.commands == ("losslab train loss=focal loss.focal.gamma=2",)
    assert "margin" in loss.views


def test_what_must_be_given_has_a_stand_in_that_is_no_default():
    loss = load(Request("ldam"))
    assert loss.stand_ins == {"counts": [900.0, 100.0]}
    assert loss.options["counts"] == [900.0, 100.0]
    assert loss.shown["counts"] is None
    assert not load(Request("ldam", {"counts": [1, 2]})).stand_ins


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("binary_cross_entropy", "cross_entropy or "),
        ("huber_loss", "huber"),
        ("tverski", "tversky"),
        ("kl", "gaussian_kl"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(name, near):
    with pytest.raises(UserError, match=rf"unknown loss '{name}'\. Did you mean {near}"):
        load(Request(name))


def test_a_name_like_no_other_has_no_suggestion():
    with pytest.raises(UserError, match=r"unknown loss 'xyz'\. losslab list losses shows them all"):
        load(Request("xyz"))
