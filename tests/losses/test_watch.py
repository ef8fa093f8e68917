"""Watching operations: what cut an answer off, what it was taken for, where NaN came from."""

import inspect
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from losslab.losses.watch import Watch, backward, finite

N = 7


def answer(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape or (N, 3), generator=generator).requires_grad_()


def watched(function, x, meaning=None):
    watch = Watch([x], len(x), {id(x): meaning} if meaning else None)
    with watch:
        result = function(x)
    return watch, result


CUTS = {
    "argmax": lambda x: x.argmax(1),
    ">": lambda x: x > 0,
    "==": lambda x: x == 0,
    "<=": lambda x: torch.le(x, 0),
    "detach": lambda x: x.detach(),
    "data": lambda x: x.data + 1,
    "item": lambda x: x.sum().item(),
    "tolist": lambda x: x.tolist(),
    "numpy": lambda x: x.detach().numpy(),
    "float": lambda x: float(x.sum()),
    "long": lambda x: x.long(),
    "int": lambda x: x.int(),
    "bool": lambda x: x.bool(),
    "to": lambda x: x.to(torch.int32),
    "argsort": lambda x: x.argsort(),
}
CUT_BY = {"numpy": "detach"}  # without it, torch itself refuses


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True")
@pytest.mark.parametrize("name", CUTS)
def test_it_names_what_cut_the_answer_off(name):
    watch, _ = watched(CUTS[name], answer())
    assert [call.name for call in watch.cuts] == [CUT_BY.get(name, name)]


def test_no_grad_is_named_by_the_operation_inside():
    def function(x):
        with torch.no_grad():
            return x * 2

    watch, _ = watched(function, answer())
    assert [call.name for call in watch.cuts] == ["mul"]


def test_what_has_a_gradient_is_no_cut():
    watch, _ = watched(lambda x: (x.softmax(1)[:, 0] * 2 - 1).square().sum(), answer())
    assert watch.cuts == []
    assert watch.flat == []


def test_cutting_the_target_is_no_cut():
    target = torch.ones(N, 3)
    watch, _ = watched(lambda x: (x * (target > 0).float()).sum() + target.sum().item(), answer())
    assert watch.cuts == []


@pytest.mark.parametrize("name", ["round", "floor", "ceil", "trunc", "sign"])
def test_operations_with_a_gradient_of_zero_are_flat(name):
    watch, _ = watched(lambda x: getattr(torch, name)(x).sum(), answer())
    assert [call.name for call in watch.flat] == [name]


def test_the_line_is_the_users():
    def function(x):
        y = x * 2
        return y.argmax(1)

    watch, _ = watched(function, answer())
    line = inspect.getsourcelines(function)[1] + 2
    assert str(watch.cuts[0]) == f"argmax ({Path(__file__).name}:{line}: return y.argmax(1))"


def test_the_line_inside_torch_is_the_callers():
    watch, _ = watched(lambda x: F.mse_loss(x.detach(), torch.zeros(N, 3)), answer())
    assert Path(__file__).name in watch.cuts[0].line


BCE = F.binary_cross_entropy_with_logits
TARGET = torch.full((N, 3), 0.5)
INDICES = torch.arange(N) % 3
TWICE = {
    "sigmoid, then bce of logits": (lambda x: BCE(x.sigmoid(), TARGET), "binary_cross_entropy"),
    "softmax, then cross-entropy": (lambda x: F.cross_entropy(x.softmax(1), INDICES), "cross_entr"),
    "softmax twice": (lambda x: torch.softmax(F.softmax(x, 1), 1), "softmax"),
    "clamped between": (lambda x: x.sigmoid().clamp(0.1, 0.9).view(-1).sigmoid(), "sigmoid"),
    "exp of the logarithm": (lambda x: x.log_softmax(1).exp().softmax(1), "softmax"),
}


@pytest.mark.parametrize("words", TWICE)
def test_a_second_activation_is_named(words):
    function, name = TWICE[words]
    watch, _ = watched(function, answer())
    assert watch.double is not None
    assert watch.double.name.startswith(name)
    assert watch.raw is None


RAW = {
    "log of logits": (lambda x: x.clamp(min=0.1).log(), "logits", "log"),
    "nll of logits": (lambda x: F.nll_loss(x, INDICES), "logits", "nll_loss"),
    "nll of probabilities": (lambda x: F.nll_loss(x, INDICES), "probability", "nll_loss"),
    "kl of probabilities": (lambda x: F.kl_div(x, TARGET), "probability", "kl_div"),
    "bce of clamped logits": (
        lambda x: F.binary_cross_entropy(x.clamp(0, 1), TARGET),
        "logits",
        "binary_cross_entropy",
    ),
}


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("words", RAW)
def test_raw_scores_where_probabilities_belong_are_named(words):
    function, meaning, name = RAW[words]
    watch, _ = watched(function, answer(), meaning)
    assert watch.raw is not None
    assert watch.raw.name == name


SOUND = {
    "sigmoid, then bce": (lambda x: F.binary_cross_entropy(x.sigmoid(), TARGET), "logits"),
    "log of a softmax": (lambda x: x.softmax(1).log(), "logits"),
    "log-softmax, then nll": (lambda x: F.nll_loss(x.log_softmax(1), INDICES), "logits"),
    "two activations of the same logits": (lambda x: x.sigmoid() * x.softmax(1), "logits"),
    "a sigmoid of a difference": (lambda x: (x.sigmoid() - TARGET).sigmoid(), "logits"),
}


@pytest.mark.parametrize("words", SOUND)
def test_sound_use_is_not_named(words):
    function, meaning = SOUND[words]
    watch, _ = watched(function, answer(), meaning)
    assert watch.double is None
    assert watch.raw is None


def test_a_column_against_a_row_is_crossed():
    target = torch.zeros(N)
    watch, _ = watched(lambda x: x - target, answer(N, 1))
    assert watch.crossed is not None
    assert watch.crossed.name == "sub"


PAIRS = {
    "axes put in for them": lambda x: x.unsqueeze(0) - x.unsqueeze(1),
    "indexed with None": lambda x: (x[:, None] - x[None, :]).abs(),
    "a matrix product": lambda x: x @ x.T,
    "cdist": lambda x: torch.cdist(x, x),
    "a number": lambda x: x - x.mean(),
    "the same shape": lambda x: x - torch.zeros(N, 1),
}


@pytest.mark.parametrize("words", PAIRS)
def test_pairs_that_are_meant_are_not_crossed(words):
    watch, _ = watched(PAIRS[words], answer(N, 1))
    assert watch.crossed is None


NOT_FINITE = {
    "log": lambda x: (x * 0).log(),
    "div": lambda x: x / (x * 0),
    "exp": lambda x: (x.abs() * 1e4 + 1e3).exp().log(),
    "sqrt": lambda x: (-x.abs()).sqrt() + (x * 0).log(),
}


@pytest.mark.parametrize("name", NOT_FINITE)
def test_the_first_that_is_not_finite_is_named(name):
    watch, _ = watched(NOT_FINITE[name], answer())
    assert watch.not_finite is not None
    assert watch.not_finite.name.replace("true", "") == name


def test_values_are_not_looked_at_when_that_is_not_wanted():
    watch = Watch([], values=False)
    with watch:
        torch.zeros(3).log()
    assert watch.not_finite is None


def test_backward_names_the_derivative_that_is_not_finite():
    x = torch.zeros(N, requires_grad=True)
    watch, total = watched(lambda x: (x * 2).square().sum().sqrt(), x)
    seen = backward(total, [x], watch)
    assert seen.not_finite is not None
    assert seen.not_finite.name == "sqrt"
    assert not finite([seen.gradients[0]])


def test_backward_names_what_made_the_gradient_zero():
    x = answer()
    watch, total = watched(lambda x: (3 * x).clamp(100, 200).sum(), x)
    seen = backward(total, [x], watch)
    assert seen.zeroed is not None
    assert seen.zeroed.name == "clamp"
    assert not seen.gradients[0].any()


def test_backward_of_a_sound_loss_names_nothing():
    x = answer()
    watch, total = watched(lambda x: x.square().sum(), x)
    seen = backward(total, [x], watch)
    assert seen.not_finite is None
    assert seen.zeroed is None
    torch.testing.assert_close(seen.gradients[0], 2 * x.detach(), rtol=0, atol=0)
