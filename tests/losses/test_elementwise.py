"""A function with its derivative beside it, as autograd sees it."""

import pytest
import torch
from losslab.losses.elementwise import elementwise
from torch import Tensor
from torch.func import grad, hessian, jacfwd, vmap

# torch's own decompositions for jvp still use torch.jit.script.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

X = torch.linspace(-2, 2, 5).double()
K = torch.linspace(1, 3, 5).double()


def cubic(x: Tensor, k: Tensor | float) -> tuple[Tensor, Tensor]:
    return k * x**3, 3 * k * x**2


def of_cubic(x: Tensor, k: Tensor | float) -> Tensor:
    return elementwise(cubic, x, k)


def test_both_inputs_have_their_derivatives() -> None:
    x, k = X.clone().requires_grad_(), K.clone().requires_grad_()
    assert torch.autograd.gradcheck(of_cubic, (x, k), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(of_cubic, (x, k))


def test_a_later_input_alone_has_its_derivative() -> None:
    k = K.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(of_cubic(X, k).sum(), k)
    torch.testing.assert_close(gradient, X**3)


def test_backward_takes_the_slope_that_was_given() -> None:
    x = X.clone().requires_grad_()
    values = elementwise(lambda x: (x**2, torch.full_like(x, 7.0)), x)
    (gradient,) = torch.autograd.grad(values.sum(), x)
    assert gradient.tolist() == [7.0] * 5


def test_a_third_derivative_is_there() -> None:
    third = grad(grad(grad(lambda x: of_cubic(x, 2.0))))
    torch.testing.assert_close(vmap(third)(X), torch.full_like(X, 12.0))


def test_functional_transforms_compose() -> None:
    torch.testing.assert_close(hessian(lambda x: of_cubic(x, K).sum())(X), (6 * K * X).diag())
    torch.testing.assert_close(jacfwd(lambda x: of_cubic(x, K))(X), (3 * K * X**2).diag())
    gradients = vmap(grad(lambda x, k: of_cubic(x, k).sum()), in_dims=(None, 0))(X, K)
    torch.testing.assert_close(gradients, 3 * K.unsqueeze(1) * X**2)


def test_without_gradients_it_is_the_values() -> None:
    with torch.no_grad():
        values = of_cubic(X.clone().requires_grad_(), 2.0)
    assert not values.requires_grad
    torch.testing.assert_close(values, 2 * X**3)
