import pytest
import torch
from losslab.training import recorded
from torch import fx

ATEN = torch.ops.aten


def programs(monkeypatch):
    """Where the graphs of what is recorded from now on are kept."""
    kept = []

    class Kept(fx.GraphModule):
        def __init__(self, root, graph):
            kept.append([node.target for node in graph.nodes])
            super().__init__(root, graph)

    monkeypatch.setattr(recorded.fx, "GraphModule", Kept)
    return kept


def tensors(*shapes):
    random = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=random) for shape in shapes]


def weight_gradient(weights, x):
    leaf = weights.detach().requires_grad_()
    loss = torch.bmm(x, leaf.transpose(1, 2)).square().sum()
    return torch.autograd.grad(loss, leaf)[0].reshape(len(x), -1) * 1


def test_a_weights_gradient_is_computed_where_it_is_to_lie(monkeypatch):
    kept = programs(monkeypatch)
    weights, x = tensors((3, 5, 4), (3, 6, 4))
    program = recorded.record(weight_gradient, weights, x)
    weights, x = 2 * weights, x + 1
    answer = program(weights, x)
    assert answer.is_contiguous()
    torch.testing.assert_close(answer, weight_gradient(weights, x))
    assert ATEN.clone.default not in kept[0]
    assert kept[0].count(ATEN.mul.Scalar) + kept[0].count(ATEN.mul.Tensor) == 2  # of the square


def written_after_a_product_with_one(x):
    doubled = x * 2
    one = doubled * 1
    one.add_(1)
    return one, doubled + 0.5


def written_before_its_copy_is_read(x):
    doubled = x * 2
    copy = doubled.clone()
    doubled.add_(1)
    return copy + doubled


def written_through_a_view(x):
    doubled = x * 2
    copy = doubled.clone()
    doubled.view(-1)[0].fill_(7)
    return copy + doubled


def copied_argument(x):
    return x * 1


def product_used_twice(x):
    product = torch.bmm(x, x.transpose(1, 2))
    return product.transpose(1, 2).contiguous() + product


def product_that_is_written_to(x):
    product = torch.bmm(x, x.transpose(1, 2) * 2)
    turned = product.transpose(1, 2)
    turned[0].fill_(3)
    return turned.clone(memory_format=torch.contiguous_format)


def whole_number_made_real(x):
    return (x > 0).long() * 1.0 * 1


def turned_twice(x):
    return x.transpose(1, 2).transpose(2, 1) + 0 * x


@pytest.mark.parametrize(
    "function",
    [
        written_after_a_product_with_one,
        written_before_its_copy_is_read,
        written_through_a_view,
        copied_argument,
        product_used_twice,
        product_that_is_written_to,
        whole_number_made_real,
        turned_twice,
    ],
)
def test_what_is_left_out_changes_nothing(function):
    (recorded_with, x) = tensors((2, 3, 3), (2, 3, 3))
    program = recorded.record(function, recorded_with)
    expected, before = function(x.clone()), x.clone()
    torch.testing.assert_close(program(x), expected, rtol=0, atol=0)
    torch.testing.assert_close(x, before, rtol=0, atol=0)


def test_an_answer_is_no_argument():
    (x,) = tensors((2, 3))
    answer = recorded.record(copied_argument, x)(x)
    answer.zero_()
    assert x.abs().sum() > 0
