"""Relative errors: closed forms, scikit-learn 1.9.1."""

from collections.abc import Callable

import pytest
import torch
from losslab.losses import Term, l1, mape, mse, msle, smape
from losslab.losses.domains import NON_ZERO
from losslab.losses.names import read_signature
from sklearn.metrics import mean_absolute_percentage_error, mean_squared_log_error
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]

PREDICTION = torch.tensor([[1.0, 5.0], [0.5, 120.0]]).double()
TARGET = torch.tensor([[1.5, 2.0], [0.5, 100.0]]).double()


def test_values_by_hand() -> None:
    three_to_one = torch.tensor([[3.0]]).double(), torch.tensor([[1.0]]).double()
    assert msle(*three_to_one).item() == pytest.approx(torch.tensor(2.0).double().log() ** 2)
    assert mape(*three_to_one).item() == 2.0
    assert smape(*three_to_one).item() == 1.0


@pytest.mark.parametrize(
    ("loss", "peer"),
    [(msle, mean_squared_log_error), (mape, mean_absolute_percentage_error)],
    ids=["msle", "mape"],
)
def test_they_are_scikit_learns(loss: Loss, peer: Callable[..., float]) -> None:
    expected = peer(TARGET.numpy(), PREDICTION.numpy())
    assert loss(PREDICTION, TARGET).mean().item() == pytest.approx(expected, rel=1e-12)


def test_msle_is_mse_of_the_logarithms_and_mse_itself_near_0() -> None:
    of_logs = mse(PREDICTION.log1p(), TARGET.log1p())
    torch.testing.assert_close(msle(PREDICTION, TARGET), of_logs)
    small = 1e-6 * PREDICTION, 1e-6 * TARGET
    torch.testing.assert_close(msle(*small), mse(*small), rtol=1e-3, atol=0)


def test_mape_is_l1_with_the_weight_one_over_the_target() -> None:
    expected = l1(PREDICTION, TARGET) / TARGET
    torch.testing.assert_close(mape(PREDICTION, TARGET), expected)
    torch.testing.assert_close(mape(-PREDICTION, -TARGET), expected)


def test_smape_is_mape_for_small_errors() -> None:
    near = TARGET * 1.00001
    torch.testing.assert_close(smape(near, TARGET), mape(near, TARGET), rtol=1e-5, atol=0)


def best_constant(loss: Loss, target: Tensor) -> float:
    constants = torch.linspace(0.5, 12, 1151).double()
    shape = len(target), len(constants)
    risk = loss(constants.expand(shape), target.unsqueeze(1).expand(shape)).mean(0)
    return constants[risk.argmin()].item()


def test_the_best_constant_of_msle_is_a_geometric_mean() -> None:
    target = torch.tensor([0.0, 1.0, 3.0, 7.0]).double()
    expected = (1 * 2 * 4 * 8) ** (1 / 4) - 1
    assert best_constant(msle, target) == pytest.approx(expected, abs=0.01)


def test_the_best_constant_of_mape_is_the_median_weighted_by_one_over_the_target() -> None:
    target = torch.tensor(
        [1.0, 2.0, 4.0, 5.0, 10.0]
    ).double()  # weights 1, ½, ¼, ⅕, ⅒: half is 1.025
    assert best_constant(mape, target) == pytest.approx(2.0, abs=0.01)


def gradient_of(loss: Loss, prediction: list[float], target: list[float]) -> list[float]:
    answer = torch.tensor(prediction).double().requires_grad_()
    values = loss(answer, torch.tensor(target).double())
    (gradient,) = torch.autograd.grad(values.sum(), answer)
    return gradient.tolist()


def test_gradients_are_those_of_the_docstrings() -> None:
    log_2 = torch.tensor(2.0).double().log().item()
    assert gradient_of(msle, [3.0, 0.0], [1.0, 1.0]) == pytest.approx([log_2 / 2, -2 * log_2])
    assert gradient_of(mape, [3.0, 0.5, -9.0], [1.0, 4.0, -2.0]) == [1.0, -0.25, -0.5]
    assert gradient_of(smape, [3.0, -1.0], [1.0, -3.0]) == pytest.approx([4 / 16, 12 / 16])


def test_a_target_of_0_costs_infinity_in_mape_and_gives_no_gradient() -> None:
    answer, target = torch.tensor([[0.0], [1.0]]), torch.zeros(2, 1)
    assert mape(answer, target).tolist() == [[torch.inf], [torch.inf]]
    assert gradient_of(mape, [0.0, 1.0], [0.0, 0.0]) == [0.0, 0.0]
    found = NON_ZERO.violation(target, {"prediction": answer})
    assert found == "2 of 2 values are not finite numbers other than 0: 0"


def test_a_target_of_0_that_is_left_out_does_no_harm_to_mape() -> None:
    term = Term("mape", mape)
    term.bind(["target", "weight"], ["prediction"], "prediction")
    answer = torch.tensor([[3.0], [7.0]]).requires_grad_()
    target, weight = torch.tensor([[2.0], [0.0]]), torch.tensor([1.0, 0.0])
    batch = {"prediction": answer, "target": target, "weight": weight}
    value = term.forward(batch)
    (gradient,) = torch.autograd.grad(value, answer)
    assert value.item() == 0.5
    assert gradient.tolist() == [[0.5], [0.0]]
    domain = read_signature(mape).domains["target"]
    assert domain.violation(target, {"weight": weight}) is None
    assert domain.violation(target, {"weight": torch.tensor([0.0, 1.0])}) is not None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["fp32", "fp64"])
def test_smape_of_nothing_and_nothing_is_0_with_zero_gradient(dtype: torch.dtype) -> None:
    answer = torch.tensor([0.0, 1e-42, 5.0], dtype=dtype, requires_grad=True)
    values = smape(answer, torch.zeros(3, dtype=dtype))
    (gradient,) = torch.autograd.grad(values.sum(), answer)
    assert values[0] == 0
    assert gradient[0] == 0
    assert gradient.isfinite().all()
    assert values[2] == 2


def test_smape_is_2_without_gradient_where_the_signs_differ() -> None:
    values = smape(torch.tensor([-1.0, -500.0]), torch.tensor([1.0, 3.0]))
    assert values.tolist() == [2.0, 2.0]
    assert gradient_of(smape, [-1.0, -500.0], [1.0, 3.0]) == pytest.approx([0, 0], abs=1e-15)


def test_smape_punishes_an_answer_that_is_too_low_more_than_one_too_high() -> None:
    high, low = smape(torch.tensor([110.0, 90.0]), torch.tensor([100.0, 100.0])).tolist()
    assert (high, low) == (pytest.approx(2 * 10 / 210), pytest.approx(2 * 10 / 190))


def test_msle_says_that_it_wants_non_negative_numbers() -> None:
    domains = read_signature(msle).domains
    for name in ("prediction", "target"):
        found = domains[name].violation(torch.tensor([-0.5, 1.0]), {})
        assert found == "1 of 2 values are not non-negative finite numbers: -0.5"


@pytest.mark.parametrize("loss", [msle, mape, smape])
def test_a_target_without_the_channel_axis_is_an_error(loss: Loss) -> None:
    with pytest.raises(ValueError, match=r"got \(4,\); use target.unsqueeze\(1\)"):
        loss(torch.ones(4, 1), torch.ones(4))
