import pytest
import torch
from losslab.models import Maxout


def layer_with(weight: list[list[float]], pieces: int) -> Maxout:
    """Units × pieces rows of weights, no bias."""
    units = len(weight) // pieces
    layer = Maxout(len(weight[0]), units, pieces)
    with torch.no_grad():
        layer.affine.weight.copy_(torch.tensor(weight))
        layer.affine.bias.zero_()
    return layer


def test_its_value_is_the_largest_piece_of_each_unit():
    layer = layer_with([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0], [-1.0, -1.0]], pieces=2)
    x = torch.tensor([[3.0, -1.0], [-1.0, -2.0]])
    assert layer(x).tolist() == [[3.0, 4.0], [-1.0, 3.0]]


@pytest.mark.parametrize(
    ("weight", "relative"),
    [([[1.0], [0.0]], torch.relu), ([[1.0], [-1.0]], torch.abs)],
    ids=["relu", "abs"],
)
def test_with_the_right_pieces_it_is_a_known_function(weight, relative):
    x = torch.linspace(-2, 2, 9).unsqueeze(1)
    assert torch.equal(layer_with(weight, pieces=2)(x), relative(x))


def test_the_gradient_goes_to_the_winning_piece_only():
    layer = layer_with([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], pieces=3)
    x = torch.tensor([[3.0, 2.0]], requires_grad=True)
    layer(x).backward()
    # The first piece wins, 3 against 2 and −5: the unit is w₁·x.
    assert layer.affine.weight.grad.tolist() == [[3.0, 2.0], [0.0, 0.0], [0.0, 0.0]]
    assert layer.affine.bias.grad.tolist() == [1.0, 0.0, 0.0]
    assert x.grad.tolist() == [[1.0, 0.0]]


def test_each_sample_has_its_own_winner():
    layer = layer_with([[1.0], [-1.0]], pieces=2)
    layer(torch.tensor([[2.0], [-5.0]])).sum().backward()
    assert layer.affine.weight.grad.tolist() == [[2.0], [-5.0]]


def test_of_equal_pieces_one_gets_the_whole_gradient():
    layer = layer_with([[1.0], [1.0], [1.0]], pieces=3)
    layer(torch.tensor([[2.0]])).backward()
    assert sorted(layer.affine.weight.grad.flatten().tolist()) == [0.0, 0.0, 2.0]


def test_it_keeps_leading_axes():
    assert Maxout(3, 5, pieces=4)(torch.zeros(2, 7, 3)).shape == (2, 7, 5)


def test_not_a_number_stays_visible():
    assert layer_with([[1.0], [0.0]], pieces=2)(torch.tensor([[torch.nan]])).isnan().all()


def test_without_a_bias_the_pieces_go_through_the_origin():
    assert [name for name, _ in Maxout(3, 5, bias=False).named_parameters()] == ["affine.weight"]


def test_one_piece_is_too_few():
    with pytest.raises(ValueError, match="pieces must be at least 2; got 1"):
        Maxout(3, 5, pieces=1)
