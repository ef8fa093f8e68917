"""Norms of the parameters, and which of them count."""

from fnmatch import fnmatchcase

import pytest
import torch
from losslab.losses import l1_norm, l2_norm
from losslab.losses.regularisers import matches

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
