"""Penalties of the derivative by the input: linear models in closed form, torch 2.13's autograd."""

from functools import partial

import pytest
import torch
from losslab.losses import (
    Term,
    bce,
    cross_entropy,
    double_backprop,
    gradient_penalty,
    jacobian_penalty,
)
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

LOSSES = [jacobian_penalty, gradient_penalty, double_backprop]


def network(outputs: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, outputs)).double()


def named(model: nn.Module, input: Tensor) -> dict[str, Tensor]:
    return {"logits": model(input)}


INPUT = torch.randn(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.double)
TARGET = torch.tensor([0, 1, 2, 0, 1, 2])


def jacobians(model: nn.Module) -> Tensor:
    return torch.stack([torch.autograd.functional.jacobian(model, x) for x in INPUT])


def test_the_jacobian_of_a_linear_model_is_its_weight() -> None:
    layer = nn.Linear(4, 3).double()
    values = jacobian_penalty(partial(named, layer), INPUT)
    torch.testing.assert_close(values, (layer.weight.square().sum() / 2).expand(6))


def test_exact_it_is_half_the_squared_norm_of_torchs_jacobian() -> None:
    model = network()
    expected = jacobians(model).square().sum((1, 2)) / 2
    torch.testing.assert_close(jacobian_penalty(partial(named, model), INPUT), expected)


def test_random_projections_are_right_on_average_and_repeat_with_the_seed() -> None:
    model = partial(named, network())
    exact = jacobian_penalty(model, INPUT)
    torch.manual_seed(0)
    many = jacobian_penalty(model, INPUT, projections=4000)
    torch.testing.assert_close(many, exact, rtol=0.05, atol=0)
    draws = []
    for _ in range(2):
        torch.manual_seed(3)
        draws.append(jacobian_penalty(model, INPUT, projections=1))
    assert torch.equal(draws[0], draws[1])
    assert not torch.allclose(draws[0], exact)


def test_of_one_output_a_projection_is_exact() -> None:
    model = partial(named, network(1))
    one = jacobian_penalty(model, INPUT, projections=1)
    torch.testing.assert_close(one, jacobian_penalty(model, INPUT))
    torch.testing.assert_close(2 * one, gradient_penalty(model, INPUT, norm=0.0))


def test_outputs_with_pixels_are_outputs_too() -> None:
    convolution = nn.Conv2d(1, 2, 3, padding=1).double()
    image = torch.randn(2, 1, 3, 3, generator=torch.Generator().manual_seed(1)).double()
    jacobian = [torch.autograd.functional.jacobian(convolution, x) for x in image]
    expected = torch.stack([j.square().sum() / 2 for j in jacobian])
    torch.testing.assert_close(jacobian_penalty(partial(named, convolution), image), expected)


def test_the_slope_of_a_critic_is_held_at_the_norm() -> None:
    layer = nn.Linear(4, 1).double()
    slope = layer.weight.norm()
    for norm in (0.0, 1.0, 2.5):
        values = gradient_penalty(partial(named, layer), INPUT, norm=norm)
        torch.testing.assert_close(values, (slope - norm).square().expand(6))


def test_a_flat_critic_pays_in_full_and_gets_no_gradient() -> None:
    layer = nn.Linear(4, 1)
    nn.init.zeros_(layer.weight)
    values = gradient_penalty(partial(named, layer), INPUT.float())
    (gradient,) = torch.autograd.grad(values.sum(), layer.weight)
    assert (values == 1).all()
    assert (gradient == 0).all()


@pytest.mark.parametrize("of", ["cross_entropy", "bce", "mse"])
def test_double_backprop_is_the_slope_of_the_loss(of: str) -> None:
    model = network(3)
    target = TARGET if of == "cross_entropy" else nn.functional.one_hot(TARGET, 3).double()
    losses = {
        "cross_entropy": cross_entropy,
        "bce": bce,
        "mse": lambda z, y: (z - y).square(),
    }
    leaf = INPUT.clone().requires_grad_()
    (slope,) = torch.autograd.grad(losses[of](model(leaf), target).sum(), leaf)
    values = double_backprop(partial(named, model), INPUT, target, of=of)
    torch.testing.assert_close(values, slope.square().sum(1) / 2)


def test_of_cross_entropy_it_is_the_jacobian_along_the_error() -> None:
    model = network()
    error = model(INPUT).softmax(1) - torch.eye(3).double()[TARGET]
    expected = (error.unsqueeze(1) @ jacobians(model)).square().sum((1, 2)) / 2
    torch.testing.assert_close(double_backprop(partial(named, model), INPUT, TARGET), expected)


# How it is called


def call(loss: object, model: object, input: Tensor) -> Tensor:
    return loss(model, input, TARGET) if loss is double_backprop else loss(model, input)


def outputs_of(loss: object) -> int:
    return 1 if loss is gradient_penalty else 3


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_reaches_the_weights_in_plain_pytorch(loss: object) -> None:
    model = network(outputs_of(loss))
    call(loss, partial(named, model), INPUT).mean().backward()
    assert all(model[i].weight.grad.abs().sum() > 0 for i in (0, 2))


@pytest.mark.parametrize("loss", LOSSES)
def test_it_is_measured_without_gradient_too(loss: object) -> None:
    model = partial(named, network(outputs_of(loss)))
    with torch.no_grad():
        values = call(loss, model, INPUT)
    assert not values.requires_grad
    torch.testing.assert_close(values, call(loss, model, INPUT).detach())


@pytest.mark.parametrize("loss", LOSSES)
def test_a_row_does_not_depend_on_the_others(loss: object) -> None:
    model = partial(named, network(outputs_of(loss)))
    other = INPUT.clone()
    other[2:] += 1
    torch.testing.assert_close(call(loss, model, other)[:2], call(loss, model, INPUT)[:2])


@pytest.mark.parametrize("loss", LOSSES)
def test_stacked_models_are_a_loop(loss: object) -> None:
    template = network(outputs_of(loss))
    models = [network(outputs_of(loss)) for _ in range(3)]
    for scale, model in enumerate(models, 1):
        nn.init.constant_(model[0].bias, 0.2 * scale)
    weights, _ = stack_module_state(models)

    def of_one(weights: dict[str, Tensor]) -> Tensor:
        return call(loss, lambda x: {"logits": functional_call(template, weights, (x,))}, INPUT)

    expected = torch.stack([call(loss, partial(named, model), INPUT) for model in models])
    torch.testing.assert_close(vmap(of_one)(weights), expected)


def test_projections_differ_between_stacked_models() -> None:
    template = network()
    weights, _ = stack_module_state([network(), network()])

    def of_one(weights: dict[str, Tensor]) -> Tensor:
        model = lambda x: {"logits": functional_call(template, weights, (x,))}  # noqa: E731
        return jacobian_penalty(model, INPUT, projections=1)

    one, other = vmap(of_one, randomness="different")(weights)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_input_of_samples_that_do_not_count_may_be_nan(loss: object) -> None:
    model = partial(named, network(outputs_of(loss)))
    term = Term("penalty", loss)
    term.bind(("input", "target", "weight"), ("logits",), "logits")
    weight = torch.tensor([1.0, 0, 1, 1, 1, 1])
    spoilt = INPUT.clone()
    spoilt[1] = torch.nan
    value = term.forward({"input": spoilt, "target": TARGET, "weight": weight, "model": model})
    kept = call(loss, model, INPUT)[weight > 0].mean()
    torch.testing.assert_close(value, kept)


def test_an_output_is_chosen_by_name() -> None:
    layer = nn.Linear(4, 2).double()

    def model(x: Tensor) -> dict[str, Tensor]:
        return {"latent": 3 * x, "logits": layer(x)}

    of_logits = jacobian_penalty(model, INPUT, output="logits")
    torch.testing.assert_close(of_logits, (layer.weight.square().sum() / 2).expand(6))
    of_latent = jacobian_penalty(model, INPUT, output="latent")
    torch.testing.assert_close(of_latent, torch.full((6,), 18.0).double())
    with pytest.raises(ValueError, match="several outputs: set output to one of latent, logits"):
        jacobian_penalty(model, INPUT)
    with pytest.raises(ValueError, match="no output called logit: it has latent, logits"):
        jacobian_penalty(model, INPUT, output="logit")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda m: jacobian_penalty(m, INPUT, projections=0),
            "projections must be an integer ≥ 1; got 0",
        ),
        (
            lambda m: jacobian_penalty(m, INPUT, projections=1.5),
            "projections must be an integer ≥ 1; got 1.5",
        ),
        (
            lambda m: jacobian_penalty(lambda x: {"logits": m(x)["logits"].sum()}, INPUT),
            r"expected one answer per sample, \[6, ...\]; got shape \(\)",
        ),
        (
            lambda m: gradient_penalty(m, INPUT),
            r"one number per sample; got shape \(6, 3\). For several use jacobian_penalty",
        ),
        (lambda m: gradient_penalty(m, INPUT, norm=-1), "norm must be at least 0; got -1"),
        (
            lambda m: double_backprop(m, INPUT, TARGET, of="hinge"),
            "of must be one of cross_entropy, bce, mse; got hinge",
        ),
        (lambda m: double_backprop(m, INPUT, TARGET[:, None]), "need integer class indices"),
    ],
    ids=["projections", "half", "scalar", "several", "norm", "of", "target"],
)
def test_what_does_not_fit_is_an_error(call: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call(partial(named, network()))
