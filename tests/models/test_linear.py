import torch
from losslab.models import Linear


def test_it_is_one_affine_map_of_the_flattened_input():
    model, x = Linear(in_features=6, outputs=2), torch.randn(4, 2, 3)
    expected = x.reshape(4, 6) @ model.weight.T + model.bias
    torch.testing.assert_close(model(x), expected)


def test_its_parameters_have_the_names_that_regularisers_look_for():
    assert [name for name, _ in Linear(2, 1).named_parameters()] == ["weight", "bias"]


def test_without_a_bias_it_goes_through_the_origin():
    model = Linear(2, 1, bias=False)
    assert model.bias is None
    assert model(torch.zeros(3, 2)).tolist() == [[0.0]] * 3


def test_it_recovers_the_line_that_made_the_data():
    torch.manual_seed(0)
    x = torch.randn(64, 3, dtype=torch.double)
    weight, bias = torch.tensor([[1.0, -2.0, 0.5]]).double(), 0.3
    model = Linear(3, 1).double()
    optimizer = torch.optim.LBFGS(model.parameters(), tolerance_grad=0, tolerance_change=0)

    def closure():
        optimizer.zero_grad()
        loss = (model(x) - (x @ weight.T + bias)).square().mean()
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)
    torch.testing.assert_close(model.weight.detach(), weight, rtol=0, atol=1e-6)
    assert abs(model.bias.item() - bias) < 1e-6
