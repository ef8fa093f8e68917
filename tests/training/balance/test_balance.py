"""What all balances have in common: which terms they weigh, and which they refuse."""

import pytest
from losslab.losses import Objective, Term, dice, gradient_penalty, l2_norm, mse
from losslab.training.balance import GradNorm, PCGrad, Uncertainty
from losslab.training.balance.balance import balanced_terms
from torch import nn


def test_terms_that_look_at_the_parameters_alone_are_not_balanced():
    terms = [Term("mse", mse), Term("l2", l2_norm), Term("steep", gradient_penalty)]
    objective = Objective(terms)
    objective.bind(("input", "target"), ("prediction",), "prediction")
    assert balanced_terms(objective) == ["mse", "steep"]


@pytest.mark.parametrize("kind", [Uncertainty, GradNorm, PCGrad])
@pytest.mark.parametrize(
    ("terms", "message"),
    [(["dice"], "there is only dice: add one, as in loss=dice"), ([], "there is none: add one")],
    ids=["one", "none"],
)
def test_one_term_has_nothing_to_be_balanced_against(kind, terms, message):
    with pytest.raises(ValueError, match=message):
        kind(terms) if kind is Uncertainty else kind(terms, nn.Linear(2, 1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Uncertainty(["a", "b"], lr=0.0),
        lambda: GradNorm(["a", "b"], nn.Linear(2, 1), lr=0.0),
    ],
    ids=["uncertainty", "grad_norm"],
)
def test_a_learning_rate_must_be_positive(make):
    with pytest.raises(ValueError, match=r"lr must be positive; got 0\.0"):
        make()


def test_factors_are_told_by_the_name_of_their_term():
    assert Uncertainty(["a", "b"]).epoch_factors() == {"a": 0.5, "b": 0.5}
    assert GradNorm(["a", "b"], nn.Linear(2, 1)).epoch_factors() == {"a": 1.0, "b": 1.0}


def test_a_region_loss_is_a_term_of_the_data():
    objective = Objective([Term("dice", dice), Term("l2", l2_norm)])
    objective.bind(("input", "target"), ("logits",), "logits")
    assert balanced_terms(objective) == ["dice"]
