"""A forward pass, watched."""

import torch
from losslab.analysis.trace.watched import Watched, jacobian
from losslab.models import MLP, Maxout
from torch import nn


def watched(model, x):
    seen = Watched({"input": x})
    with seen.watching(model):
        output = model(x)
    seen.name_outputs({"logits": output})
    return seen.made


def test_every_layer_by_its_path_and_what_it_got():
    made = watched(MLP(2, 1, width=3, depth=1), torch.ones(4, 2))
    assert [(m.name, m.made_by) for m in made] == [
        ("layers.0", "Linear(input)"),
        ("layers.1", "ReLU(layers.0)"),
        ("logits", "layers.2 = Linear(layers.1)"),
    ]


def test_a_model_of_one_module_is_called_model():
    (made,) = watched(nn.Linear(2, 1), torch.ones(4, 2))
    assert made.made_by == "model = Linear(input)"


def test_a_block_that_only_hands_on_its_last_childs_answer_is_left_out():
    block = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    made = watched(nn.Sequential(block, nn.Linear(2, 1)), torch.ones(1, 2))
    assert [m.name for m in made] == ["0.0", "0.1", "logits"]


def test_a_block_that_adds_something_stands_behind_its_children():
    made = watched(nn.Sequential(Maxout(2, 3), nn.Linear(3, 1)), torch.ones(1, 2))
    assert [(m.name, m.made_by) for m in made][:2] == [
        ("0.affine", "Linear(input)"),
        ("0", "Maxout(0.affine)"),
    ]


def test_a_module_that_is_used_twice_has_two_values():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, input):
            return self.layer(self.layer(input))

    made = watched(Twice(), torch.ones(1, 2))
    assert made[0].name == "layer"
    assert made[1].made_by == "layer (call 2) = Linear(layer)"


def test_an_output_that_no_module_made_is_added():
    class Doubled(nn.Linear):
        def forward(self, input):
            return 2 * super().forward(input)

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 1)

        def forward(self, input):
            return 2 * self.inner(input)

    assert [m.name for m in watched(Outer(), torch.ones(1, 2))] == ["inner", "logits"]
    assert [m.made_by for m in watched(Doubled(2, 1), torch.ones(1, 2))] == [
        "model = Doubled(input)"
    ]


def test_the_jacobian_of_a_softmax_is_that_of_the_formula():
    *_, made = watched(nn.Sequential(nn.Linear(2, 3), nn.Softmax(1)), torch.randn(4, 2))
    p = made.value
    expected = torch.diag_embed(p) - p.unsqueeze(2) * p.unsqueeze(1)
    torch.testing.assert_close(jacobian(made), expected)


def test_of_what_acts_on_each_number_alone_only_the_slopes():
    *_, made = watched(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), torch.randn(4, 2))
    torch.testing.assert_close(jacobian(made), 1 - made.value**2)


def test_no_jacobian_of_affine_maps_or_of_many_numbers():
    first, second = watched(nn.Sequential(nn.Linear(2, 9), nn.Tanh()), torch.randn(4, 2))
    assert jacobian(first) is None
    assert jacobian(second) is None
