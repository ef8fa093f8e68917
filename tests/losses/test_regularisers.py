"""Norms of the parameters, and which of them count; closed forms, scikit-learn 1.9.1."""

from fnmatch import fnmatchcase

import numpy as np
import pytest
import torch
from losslab.losses import elastic_net, l1_norm, l2_norm, mse, orthogonality
from losslab.losses.patterns import matches
from sklearn.linear_model import ElasticNet

PARAMETERS = {
    "layers.0.weight": torch.tensor([[3.0, -4.0], [0.5, 0.0]]),
    "layers.0.bias": torch.tensor([10.0, 10.0]),
    "head.weight": torch.tensor([[-2.0, 1.0]]),
    "head.bias": torch.tensor([10.0]),
}


def test_values_by_hand_leave_out_biases() -> None:
    assert l1_norm(PARAMETERS).item() == 3 + 4 + 0.5 + 2 + 1
    assert l2_norm(PARAMETERS).item() == (9 + 16 + 0.25 + 4 + 1) / 2


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ("head.*", (), 2 + 1 + 10),
        (["layers.*", "head.weight"], ["*bias"], 10.5),
        ("*", "*weight", 30),
        ("*.0.*", "*bias", 7.5),
        ("head.bias", (), 10),
    ],
    ids=["one", "two", "exclude", "middle", "exact"],
)
def test_patterns_choose_parameters(include: object, exclude: object, expected: float) -> None:
    assert l1_norm(PARAMETERS, include=include, exclude=exclude).item() == expected


@pytest.mark.parametrize("name", ["", "a", "ab", "aba", "abab", "layers.0.weight"])
@pytest.mark.parametrize(
    "pattern", ["", "*", "**", "a", "a*", "*a", "a*a", "*b*", "a*b*a", "ab*ab", "*a*a*a*"]
)
def test_a_star_means_what_it_means_to_the_standard_library(name: str, pattern: str) -> None:
    assert matches(name, pattern) == fnmatchcase(name, pattern)


def test_the_gradient_of_l1_is_the_sign_and_of_l2_the_parameter() -> None:
    weight = torch.tensor([[3.0, -4.0, 0.0]], requires_grad=True)
    (of_l1,) = torch.autograd.grad(l1_norm({"weight": weight}), weight)
    (of_l2,) = torch.autograd.grad(l2_norm({"weight": weight}), weight)
    assert of_l1.tolist() == [[1, -1, 0]]
    assert of_l2.tolist() == weight.tolist()


def test_sums_do_not_overflow_in_half_precision() -> None:
    weight = torch.full((512, 512), 1.0, dtype=torch.float16)
    assert l1_norm({"weight": weight}).item() == 512 * 512
    assert l2_norm({"weight": weight}).item() == 512 * 256


@pytest.mark.parametrize("norm", [l1_norm, l2_norm])
def test_patterns_that_leave_nothing_are_an_error(norm: object) -> None:
    text = r"no parameter matches include=\['conv\*'\] exclude=\['\*bias'\]: .* layers.0.weight, "
    with pytest.raises(ValueError, match=text):
        norm(PARAMETERS, include="conv*")
    with pytest.raises(ValueError, match="the model has none"):
        norm({})


def test_module_weights_multiply_what_they_match() -> None:
    halved = l1_norm(PARAMETERS, module_weight={"layers*": 0.5})
    assert halved.item() == 0.5 * 7.5 + 3
    both = l2_norm(PARAMETERS, exclude=(), module_weight={"*.bias": 0.0, "head.*": 3.0})
    assert both.item() == (9 + 16 + 0.25) / 2 + 3 * 5 / 2  # the first pattern that fits applies


@pytest.mark.parametrize("loss", [l1_norm, l2_norm, elastic_net, orthogonality])
def test_a_module_weight_that_matches_nothing_is_an_error(loss: object) -> None:
    text = r"a factor for encoder\*, which matches no parameter .* layers.0.weight, head.weight"
    with pytest.raises(ValueError, match=text):
        loss(PARAMETERS, module_weight={"layers*": 2.0, "encoder*": 0.5})


# Elastic net


def test_the_ends_of_the_elastic_net_are_the_norms() -> None:
    torch.testing.assert_close(elastic_net(PARAMETERS, l1_ratio=1.0), l1_norm(PARAMETERS))
    torch.testing.assert_close(elastic_net(PARAMETERS, l1_ratio=0.0), l2_norm(PARAMETERS))


def test_its_minimum_is_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(60, 3))
    target = inputs @ [2.0, -1.0, 0.5] + generator.normal(size=60)
    alpha, l1_ratio = 0.1, 0.3
    peer = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, fit_intercept=False, tol=1e-12)
    weight = torch.tensor(peer.fit(inputs, target).coef_[None], requires_grad=True)
    prediction = torch.tensor(inputs) @ weight.T
    half_error = 0.5 * mse(prediction, torch.tensor(target)[:, None]).mean()
    total = half_error + alpha * elastic_net({"weight": weight}, l1_ratio=l1_ratio)
    (gradient,) = torch.autograd.grad(total, weight)
    assert (weight != 0).all()
    assert gradient.abs().max() < 1e-6


@pytest.mark.parametrize("ratio", [-0.1, 1.1])
def test_a_ratio_outside_its_range_is_an_error(ratio: float) -> None:
    with pytest.raises(ValueError, match=rf"l1_ratio must be in \[0, 1\]; got {ratio}"):
        elastic_net(PARAMETERS, l1_ratio=ratio)


# Orthogonality


def test_an_orthogonal_matrix_costs_nothing_whichever_side_is_longer() -> None:
    square = torch.linalg.qr(
        torch.randn(5, 5, generator=torch.Generator().manual_seed(0)).double()
    )[0]
    for matrix in (square, square[:3], square[:, :3]):
        assert orthogonality({"weight": matrix}).item() == pytest.approx(0, abs=1e-12)
        assert orthogonality({"weight": 2 * matrix}).item() == pytest.approx(9 * min(matrix.shape))


def test_its_gradient_is_the_formulas_for_either_side() -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in ((2, 4), (4, 2)):
        w = torch.randn(shape, generator=generator, dtype=torch.double, requires_grad=True)
        (gradient,) = torch.autograd.grad(orthogonality({"weight": w}), w)
        torch.testing.assert_close(gradient, 4 * w @ (w.T @ w - torch.eye(shape[1])))


def test_a_kernel_is_one_row_per_output_and_vectors_are_left_out() -> None:
    kernel = torch.randn(3, 2, 2, 2, generator=torch.Generator().manual_seed(0)).double()
    parameters = {"conv.weight": kernel, "norm.weight": torch.full((7,), 9.0)}
    gram = kernel.reshape(3, 8) @ kernel.reshape(3, 8).T
    expected = (gram - torch.eye(3)).square().sum()
    torch.testing.assert_close(orthogonality(parameters), expected)


def test_without_a_matrix_orthogonality_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no parameter matches .* the model has none"):
        orthogonality({"norm.weight": torch.ones(7)})
