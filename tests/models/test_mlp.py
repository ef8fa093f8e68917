import pytest
import torch
from losslab.models import MLP, Maxout
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

ACTIVATIONS = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
}


class CountedOperations(TorchDispatchMode):
    """The operations that run while it is entered."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.append(str(operation))
        return operation(*args, **kwargs or {})


def test_default_layers():
    kinds = [type(layer) for layer in MLP(4, 1).layers]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


@pytest.mark.parametrize(("name", "kind"), ACTIVATIONS.items(), ids=ACTIVATIONS)
def test_activation(name, kind):
    assert [type(layer) for layer in MLP(4, 1, activation=name).layers][1::2] == [kind, kind]


def test_maxout_takes_the_place_of_affine_map_and_activation():
    model = MLP(4, 1, width=[5, 3], activation="maxout", pieces=3)
    first, second, last = model.layers
    assert (type(first), type(second), type(last)) == (Maxout, Maxout, nn.Linear)
    assert (first.units, second.units) == ((5, 3), (3, 3))


def test_without_bias_and_activation_it_is_a_product_of_matrices():
    model, x = MLP(4, 2, width=[3, 5], activation="none", bias=False), torch.randn(6, 4)
    first, second, third = (layer.weight for layer in model.layers)
    assert [name for name, _ in model.named_parameters() if "bias" in name] == []
    torch.testing.assert_close(model(x), x @ (third @ second @ first).T)


@pytest.mark.parametrize(
    ("width", "depth", "expected"),
    [(8, 0, [(4, 2)]), (8, 2, [(4, 8), (8, 8), (8, 2)]), ([6, 3], 2, [(4, 6), (6, 3), (3, 2)])],
    ids=["none", "one for all", "list"],
)
def test_widths(width, depth, expected):
    layers = MLP(4, 2, width=width, depth=depth).layers[::2]
    assert [(layer.in_features, layer.out_features) for layer in layers] == expected


def test_it_runs_the_operations_of_the_bare_layers_and_no_other():
    def operations(model):
        with CountedOperations() as counted:
            model(torch.ones(3, 4)).sum().backward()
        return counted.names

    hidden = nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU()
    assert operations(MLP(4, 1, width=8)) == operations(nn.Sequential(*hidden, nn.Linear(8, 1)))


def test_it_flattens_images():
    model, image = MLP(12, 2), torch.randn(5, 3, 2, 2)
    torch.testing.assert_close(model(image), model(image.reshape(5, 12)))


def test_dropout_acts_while_training_only():
    torch.manual_seed(0)
    model, x = MLP(4, 1, dropout=0.5), torch.randn(3, 4)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "maxout"])
def test_it_learns_exclusive_or(activation):
    torch.manual_seed(0)
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    target = torch.tensor([[0.0], [1], [1], [0]])
    model = MLP(2, 1, width=16, activation=activation)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(400):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model(x), target).backward()
        optimizer.step()
    assert torch.equal((model(x) > 0).float(), target)


def test_an_unknown_activation_names_the_nearest():
    with pytest.raises(ValueError, match=r"activation must be one of relu, .*Did you mean gelu\?"):
        MLP(4, 1, activation="gelo")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"depth": -1}, "depth must be at least 0; got -1"),
        ({"width": 0}, "width must be at least 1; got 0"),
        ({"width": [4, 0]}, "width must be at least 1; got 0"),
        ({"width": [4, 4, 4]}, r"lists 3 layers, \[4, 4, 4\], and depth is 2: set depth=3"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\); got 1.0"),
        ({"activation": "maxout", "pieces": 1}, "pieces must be at least 2; got 1"),
    ],
    ids=["depth", "width", "width in a list", "length of a list", "dropout", "pieces"],
)
def test_options_outside_their_range(options, text):
    with pytest.raises(ValueError, match=text):
        MLP(4, 1, **options)
