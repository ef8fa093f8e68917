"""Means and sums with weights: small numbers worked out by hand."""

import pytest
import torch
from losslab.losses.reduction import align, aligned, at_least_fp32, reduce_values
from torch import Tensor

VALUES = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("weight", "options", "expected"),
    [
        (None, {}, 21 / 6),
        (None, {"reduce": "sum"}, 21 / 2),
        ([2.0, 1.0], {}, (2 * 6 + 15) / (2 * 3 + 3)),
        ([2.0, 1.0], {"reduce": "sum"}, (2 * 6 + 15) / 3),
        ([2.0, 1.0], {"normalize": "count"}, (2 * 6 + 15) / 6),
        ([2.0, 1.0], {"reduce": "sum", "normalize": "count"}, (2 * 6 + 15) / 2),
        ([0.0, 1.0], {}, 15 / 3),
        ([0.0, 1.0], {"reduce": "sum"}, 15),
        ([0.0, 5.0], {"normalize": "count"}, 5 * 15 / 3),
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 2.0]], {}, (1 + 4 + 12) / 4),
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]], {"reduce": "sum"}, (1 + 4 + 6) / 2),
        ([[0.0, 0.0, 0.0], [1.0, 0.0, 1.0]], {"reduce": "sum"}, 4 + 6),
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 2.0]], {"normalize": "count"}, (1 + 4 + 12) / 3),
        ([[2.0], [1.0]], {}, (2 * 6 + 15) / 9),
    ],
)
def test_by_hand(weight: object, options: dict[str, str], expected: float) -> None:
    weight = None if weight is None else torch.tensor(weight)
    assert reduce_values(VALUES, weight, **options).item() == pytest.approx(expected)


@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_a_constant_weight_changes_nothing(reduce: str) -> None:
    for weight in (torch.full((2,), 1e-3), torch.full((2, 3), 1e3)):
        expected = reduce_values(VALUES, reduce=reduce)
        torch.testing.assert_close(reduce_values(VALUES, weight, reduce=reduce), expected)


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.uint8, torch.float16], ids=str)
def test_masks_of_any_type_are_weights(dtype: torch.dtype) -> None:
    assert reduce_values(VALUES, torch.tensor([0, 1]).to(dtype)).item() == 5


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("normalize", ["weights", "count"])
def test_with_nothing_left_value_and_gradient_are_zero(reduce: str, normalize: str) -> None:
    values = VALUES.double().requires_grad_()
    value = reduce_values(values, torch.zeros(2, 3), reduce=reduce, normalize=normalize)
    (gradient,) = torch.autograd.grad(value, values)
    assert value == 0
    assert (gradient == 0).all()


def test_what_is_left_out_may_be_nan() -> None:
    values = torch.tensor([1.0, torch.nan], requires_grad=True)
    value = reduce_values(values, torch.tensor([1.0, 0.0]))
    (gradient,) = torch.autograd.grad(value, values)
    assert (value.item(), gradient.tolist()) == (1, [1, 0])


def test_one_value_for_the_whole_batch_is_returned_as_it_is() -> None:
    assert reduce_values(torch.tensor(3.0), reduce="sum").item() == 3


@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_values_in_half_precision_are_summed_in_single(reduce: str) -> None:
    values = torch.full((1, 512, 512), 1.0, dtype=torch.float16)
    total = reduce_values(values, reduce=reduce)
    assert (total.dtype, total.item()) == (torch.float32, 1 if reduce == "mean" else 512 * 512)


def test_double_precision_is_kept() -> None:
    values = torch.tensor([1.0, 1.0 + 1e-12], dtype=torch.double)
    assert reduce_values(values, torch.tensor([1.0, 3.0])).item() == pytest.approx(
        1 + 0.75e-12, rel=1e-15
    )


@pytest.mark.parametrize(
    ("weight", "values", "aligned"),
    [
        ((2,), (2,), (2,)),
        ((2,), (2, 3, 4, 5), (2, 1, 1, 1)),
        ((2, 4, 5), (2, 3, 4, 5), (2, 1, 4, 5)),
        ((2, 1, 4, 5), (2, 3, 4, 5), (2, 1, 4, 5)),
        ((2, 3, 4, 5), (2, 3, 4, 5), (2, 3, 4, 5)),
        ((2, 1, 4, 5), (2, 4, 5), (2, 4, 5)),
        ((2, 1), (2,), (2,)),
        ((2, 1), (2, 3), (2, 1)),
    ],
)
def test_weights_are_aligned_axis_by_axis(
    weight: tuple[int, ...], values: tuple[int, ...], aligned: tuple[int, ...]
) -> None:
    assert align(torch.ones(weight), torch.ones(values)).shape == aligned


@pytest.mark.parametrize(
    ("weight", "values"),
    [
        ((3,), (2,)),
        ((2, 3), (2,)),
        ((2, 4), (2, 3)),
        ((2, 5, 4), (2, 3, 4, 5)),
        ((2,), ()),
        ((), (2,)),
    ],
)
def test_weights_that_would_broadcast_by_accident_are_an_error(
    weight: tuple[int, ...], values: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"does not fit values of shape .* expected \[batch\]"):
        align(torch.ones(weight), torch.ones(values))
    assert aligned(torch.ones(weight), torch.ones(values)) is None


@pytest.mark.parametrize(
    ("x", "dtype"),
    [
        (torch.ones(1, dtype=torch.float16), torch.float32),
        (torch.ones(1, dtype=torch.bfloat16), torch.float32),
        (torch.ones(1), torch.float32),
        (torch.ones(1).double(), torch.float64),
        (torch.ones(1).bool(), torch.float32),
        (torch.ones(1).long(), torch.float32),
    ],
    ids=lambda x: str(x.dtype) if isinstance(x, Tensor) else "",
)
def test_at_least_single_precision(x: Tensor, dtype: torch.dtype) -> None:
    assert at_least_fp32(x).dtype == dtype
