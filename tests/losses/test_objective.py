"""The objective: the sum of its terms, and what it says when they can't be bound."""

import pytest
import torch
from losslab.losses import Objective, Term, bce, l2_norm, mse
from losslab.losses.schedules import Linear
from torch import Tensor, nn
from torch.func import vmap

LOGITS = torch.tensor([[0.5], [-1.0]])
TENSORS = {
    "logits": LOGITS,
    "target": torch.tensor([[1.0], [0.0]]),
    "parameters": {"weight": torch.tensor([2.0])},
}


def bound(*terms: Term) -> Objective:
    objective = Objective(terms)
    objective.bind(["input", "target"], ["logits"], "logits")
    return objective


def test_the_total_is_the_weighted_sum_of_the_values() -> None:
    objective = bound(Term("fit", bce, weight=0.5), Term("decay", l2_norm, weight=3))
    value = objective(TENSORS, 0.0)
    assert value.values["fit"].item() == bce(LOGITS, TENSORS["target"]).mean().item()
    assert value.values["decay"].item() == 2
    assert value.weights == {"fit": 0.5, "decay": 3}
    assert value.total.item() == pytest.approx(0.5 * value.values["fit"].item() + 6)
    torch.testing.assert_close(sum(value.contributions.values()), value.total)


def test_weights_follow_their_schedules() -> None:
    objective = bound(Term("decay", l2_norm, weight=Linear(0, 4, duration=2)))
    totals = [objective(TENSORS, time).total.item() for time in (0.0, 0.5, 2.0, 9.0)]
    assert totals == [0, 2, 8, 8]


def test_the_gradient_scales_with_the_weight() -> None:
    logits = LOGITS.clone().requires_grad_()
    gradients = [
        torch.autograd.grad(
            bound(Term("fit", bce, weight=w))({**TENSORS, "logits": logits}, 0.0)[0], logits
        )[0]
        for w in (1.0, 20.0)
    ]
    torch.testing.assert_close(gradients[1], 20 * gradients[0])


def test_weights_may_be_tensors_under_vmap() -> None:
    term = Term("decay", l2_norm)
    objective = bound(term)

    def total(weight: Tensor) -> Tensor:
        term.weight = weight
        return objective.forward(TENSORS, 0.0).total

    assert vmap(total)(torch.tensor([1.0, 3.0])).tolist() == [2, 6]


def test_the_modules_of_its_terms_move_with_it() -> None:
    objective = Objective(
        [Term("a", bce, class_weight=[1, 2]), Term("b", nn.Bilinear(1, 1, 1))]
    ).double()
    assert objective.terms[0].class_weight.dtype == torch.float64
    assert len(list(objective.parameters())) == 2
    assert not any("class_weight" in name for name in objective.state_dict())


def test_binding_tells_everything_that_is_missing_at_once() -> None:
    with pytest.raises(ValueError, match=r"loss one asks for 'prediction'(.|\n)*loss two asks for"):
        bound(Term("one", mse), Term("two", mse))


def test_without_a_term_there_is_no_objective() -> None:
    with pytest.raises(ValueError, match="an objective needs at least one term: choose a loss"):
        Objective([])


def test_two_terms_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match="terms need names of their own; used twice: bce"):
        Objective([Term("bce", bce), Term("bce", bce), Term("mse", mse)])


def test_it_compiles_in_one_graph() -> None:
    objective = bound(Term("fit", bce), Term("decay", l2_norm, weight=Linear(0, 4, duration=2)))
    torch.compiler.reset()
    compiled = torch.compile(objective, fullgraph=True, backend="eager")
    for time in (0.0, 0.5, 1.0, 3.0):
        assert compiled(TENSORS, time).total.item() == objective(TENSORS, time).total.item()
