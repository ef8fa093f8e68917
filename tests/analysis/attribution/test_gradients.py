"""Input gradients are each sample's own; integrated gradients are complete."""

import pytest
import torch
from losslab.analysis.attribution import input_gradients, integrated_gradients


def points(samples=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(samples, 2, dtype=torch.float64, generator=generator)


def plane(x):
    return x[:, 0] ** 2 * x[:, 1].sin()


def test_of_a_function_of_the_plane_they_are_the_derivative_on_paper():
    x = points()
    exact = torch.stack([2 * x[:, 0] * x[:, 1].sin(), x[:, 0] ** 2 * x[:, 1].cos()], 1)
    torch.testing.assert_close(input_gradients(plane, x), exact, rtol=1e-12, atol=1e-12)


def test_one_call_is_what_one_call_for_each_gives():
    x = points()
    each = torch.cat([input_gradients(plane, row[None]) for row in x])
    assert torch.equal(input_gradients(plane, x), each)


def test_the_inputs_are_left_as_they_are():
    x = points()
    input_gradients(plane, x)
    assert not x.requires_grad
    assert x.grad is None


@pytest.mark.parametrize(
    ("score", "x", "text"),
    [
        (plane, torch.ones(2, 2, dtype=torch.long), "inputs of torch.int64 have no gradient"),
        (lambda x: x, points(3), r"one number for each of 3 samples; got shape \(3, 2\)"),
        (lambda x: x.sum(), points(3), r"one number for each of 3 samples; got shape \(\)"),
        (lambda x: x.argmax(1), points(3), "no gradient reaches the input"),
        (lambda x: x.detach().sum(1), points(3), "no gradient reaches the input"),
    ],
)
def test_what_has_no_gradient_of_its_own_is_refused(score, x, text):
    with pytest.raises(ValueError, match=text):
        input_gradients(score, x)


def test_of_a_linear_function_integrated_gradients_are_the_terms_of_its_sum():
    x, weights = points(), torch.tensor([2.0, -3.0], dtype=torch.float64)
    baseline = torch.tensor([1.0, 1.0], dtype=torch.float64)
    found = integrated_gradients(lambda x: x @ weights + 5, x, baseline, steps=1)
    torch.testing.assert_close(found.values, weights * (x - baseline))
    assert found.incomplete < 1e-14


def test_of_a_polynomial_they_are_its_integral_on_paper():
    # f = x y²; along a·(x, y): ∫ a² x y² da = x y² / 3 and ∫ 2 a² x y² da = 2 x y² / 3
    x = points()
    found = integrated_gradients(lambda p: p[:, 0] * p[:, 1] ** 2, x, torch.zeros(2), steps=1000)
    whole = x[:, 0] * x[:, 1] ** 2
    torch.testing.assert_close(found.values, torch.stack([whole / 3, 2 * whole / 3], 1), rtol=1e-5,
                               atol=1e-6)  # fmt: skip


def test_of_a_smooth_function_what_is_missing_falls_with_the_square_of_the_steps():
    x = points()
    few, many = (integrated_gradients(plane, x, torch.zeros(2), steps=n) for n in (32, 128))
    assert few.incomplete < 1e-3
    assert few.incomplete / many.incomplete == pytest.approx(16, rel=0.2)


@pytest.mark.parametrize("where", [1e-5, 1e-3, 0.5, 0.999])
def test_steps_are_small_where_a_sample_changes_much(where):
    # Each sample's jump is elsewhere: as steep as a step of 1 / 256 of the way would not see.
    x = torch.linspace(0.5, 1, 5, dtype=torch.float64)[:, None]

    def jump(x):
        return ((x[:, 0] - 0.5 * where) / (0.001 * where)).sigmoid()

    found = integrated_gradients(jump, x, torch.zeros(1), steps=256)
    assert found.worst < 0.02


def test_of_a_constant_there_is_nothing_to_share_out():
    found = integrated_gradients(lambda x: (0 * x).sum(1) + 1, points(), torch.zeros(2), steps=8)
    assert found.values.abs().max() == 0
    assert found.error.abs().max() == 0


def test_of_a_net_that_normalises_its_input_little_is_missing():
    torch.manual_seed(0)
    norm = torch.nn.GroupNorm(1, 2)  # constant along the way, but for its very beginning
    net = torch.nn.Sequential(norm, torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    x = points().float()
    found = integrated_gradients(lambda x: net(x)[:, 0], x, torch.zeros(2), steps=256)
    assert found.incomplete < 0.002


def test_of_a_net_with_kinks_under_one_percent_is_missing_at_256_steps():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    x = points().float()
    found = integrated_gradients(lambda x: net(x)[:, 0], x, torch.zeros(2), steps=256)
    assert found.incomplete < 0.01
    assert found.worst < 0.01
    error = found.values.sum(1) - (net(x) - net(torch.zeros(1, 2)))[:, 0]
    torch.testing.assert_close(found.error, error.detach())


def test_a_score_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"one number for each of 64 samples; got shape \(\)"):
        integrated_gradients(lambda x: x.sum(), points(), torch.zeros(2))


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="steps must be at least 1; got 0"):
        integrated_gradients(plane, points(), torch.zeros(2), steps=0)
