"""A recorded function gives what the function gives."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from losslab.training.recorded import record


def by_autograd(weights, x):
    leaf = weights.detach().requires_grad_()
    value = torch.func.vmap(lambda w: (x @ w).relu().exp().tanh().square().mean())(leaf)
    return torch.autograd.grad(value.sum(), leaf)[0], {"value": value.detach()}


def test_it_runs_again_on_other_tensors():
    program = record(by_autograd, torch.randn(4, 3), torch.randn(5, 3))
    weights, x = torch.randn(4, 3), torch.randn(5, 3)
    gradient, values = program(weights, x)
    expected, expected_values = by_autograd(weights, x)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=0)
    torch.testing.assert_close(values, expected_values, rtol=0, atol=0)


def test_random_numbers_are_drawn_anew():
    program = record(lambda x: torch.nn.functional.dropout(x), torch.ones(1000))
    first, second = program(torch.ones(1000)), program(torch.ones(1000))
    assert not torch.equal(first, second)
    assert abs(first.mean().item() - 1) < 0.2  # five standard deviations: 2·0.5/√1000·5 = 0.16


def test_an_argument_that_is_changed_in_place_is_changed_again():
    def count(counter, x):
        counter += x.sum()
        return counter * 2

    program = record(count, torch.zeros(1), torch.ones(2))
    counter = torch.zeros(1)
    program(counter, torch.ones(2))
    assert program(counter, torch.ones(2)).item() == 8
    assert counter.item() == 4


def test_a_tensor_that_is_no_argument_is_a_constant():
    ten = torch.tensor(10.0)
    assert record(lambda x: x + ten, torch.tensor(1.0))(torch.tensor(5.0)).item() == 15


def test_values_can_decide_nothing():
    with pytest.raises(ValueError, match="makes a number of a tensor"):
        record(lambda x: x if x > 0 else -x, torch.tensor(1.0))


def test_values_can_decide_no_shape():
    with pytest.raises(ValueError, match="gives a shape that depends on values"):
        record(lambda x: x[x > 0].sum(), torch.tensor([1.0, -1.0]))


def test_other_arguments_are_refused():
    program = record(lambda x: x["a"] + 1, {"a": torch.tensor(1.0)})
    with pytest.raises(ValueError, match=r"recorded with .* called with"):
        program({"b": torch.tensor(1.0)})


def test_the_compiler_is_not_imported():
    code = (
        "import sys, torch; from losslab.training.recorded import record;"
        "record(lambda x: torch.func.vmap(torch.sin)(x), torch.ones(2));"
        "assert 'torch._dynamo' not in sys.modules and 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "leave",
    [lambda x: x.numpy().std(), lambda x: np.asarray(x).std(), lambda x: max(x.tolist())],
    ids=["numpy", "array", "list"],
)
def test_values_that_leave_torch_are_no_constants(leave):
    with pytest.raises(ValueError, match="takes values out of torch"):
        record(lambda x: x * float(leave(x.detach())), torch.tensor([1.0, 2.0]))


def test_what_depends_on_more_than_its_arguments_is_refused():
    calls = []

    def warmed_up(x):
        calls.append(x)
        return x * len(calls)

    with pytest.raises(ValueError, match="it depends on what is no argument"):
        record(warmed_up, torch.tensor(1.0))


@pytest.mark.parametrize("draw", [random.random, np.random.rand])
def test_random_numbers_outside_of_torch_are_refused(draw):
    with pytest.raises(ValueError, match="it draws random numbers outside of torch"):
        record(lambda x: x if draw() < 1e-9 else 2 * x, torch.tensor(1.0))


def test_what_is_recorded_leaves_the_random_numbers_that_follow_alone():
    def numbers(x):
        return x * torch.randn(3)

    torch.manual_seed(1)
    numbers(torch.ones(3))
    expected = torch.randn(3)
    torch.manual_seed(1)
    record(numbers, torch.ones(3))
    assert torch.equal(torch.randn(3), expected)
