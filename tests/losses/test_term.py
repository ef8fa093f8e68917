"""Terms: who supplies what, and how weights, masks and class weights reach the values."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from losslab.losses import (
    Term,
    bce,
    cross_entropy,
    crps_ensemble,
    dice,
    expectile,
    gaussian_kl,
    hinge,
    l2_norm,
    mse,
    quantile,
)
from losslab.losses.schedules import Linear
from torch import Tensor, nn

BATCH = ("input", "target")
LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.9], [-2.0, 0.1, 3.0]])
TARGET = torch.tensor([0, 2, 1])
TENSORS = {"input": torch.zeros(3, 8), "logits": LOGITS, "target": TARGET}
VALUES = F.cross_entropy(LOGITS, TARGET, reduction="none")


def bound(
    function: Callable[..., Tensor],
    batch: tuple[str, ...] = BATCH,
    outputs: tuple[str, ...] = ("logits",),
    **options: object,
) -> Term:
    term = Term("mine", function, **options)
    term.bind(batch, outputs, outputs[0])
    return term


# Names


def test_pasted_names_are_understood() -> None:
    term = bound(lambda y_true, y_pred, x: (y_true - y_pred) ** 2)
    assert term.sources == {"y_true": "target", "y_pred": "logits", "x": "input"}


def test_names_connect_a_parameter_to_another_tensor() -> None:
    term = bound(
        bce,
        ("input",),
        ("logits", "reconstruction_logits"),
        names={"logits": "reconstruction_logits", "target": "input"},
    )
    assert term.sources == {"logits": "reconstruction_logits", "target": "input"}


@pytest.mark.parametrize(
    "function", [nn.MSELoss(reduction="none"), F.mse_loss], ids=["class", "fn"]
)
def test_torchs_pair_of_input_and_target_is_answer_and_target(
    function: Callable[..., Tensor],
) -> None:
    term = bound(function, outputs=("prediction",))
    assert term.sources == {"input": "prediction", "target": "target"}


def test_a_loss_of_the_input_and_more_gets_the_models_input() -> None:
    def loss(input: Tensor, target: Tensor, logits: Tensor) -> Tensor: ...

    term = bound(loss)
    assert term.sources["input"] == "input"


def test_a_tensor_may_be_given_as_a_constant_option() -> None:
    term = bound(lambda logits, temperature: logits / temperature, options={"temperature": 2.0})
    assert term.asks_for == ("logits",)
    assert term.forward(TENSORS).item() == pytest.approx(LOGITS.mean().item() / 2)


def test_a_name_that_nobody_supplies_is_an_error() -> None:
    text = r"loss mine asks for 'prediction', which nobody supplies: .*names.prediction=NAME"
    with pytest.raises(ValueError, match=text):
        bound(mse)


def test_a_connection_to_nothing_is_an_error_also_for_what_may_be_absent() -> None:
    with pytest.raises(ValueError, match=r"'border', which nobody supplies: .*mine.names.weight="):
        bound(dice, names={"weight": "border"})
    with pytest.raises(ValueError, match=r"'border', which nobody supplies: .*mine.names.weight="):
        bound(bce, names={"weight": "border"})


def test_a_connection_of_an_unknown_parameter_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no tensor called scores: it asks for logits, target"):
        bound(bce, names={"scores": "logits"})


# Options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"options": {"gama": 1}}, "loss mine has no option 'gama': it has gamma. Did you mean"),
        ({"options": {}}, r"loss mine also needs gamma: set \+loss.mine.gamma=…"),
        ({"reduce": "none"}, "loss.mine.reduce must be one of mean, sum; got none"),
        ({"normalize": "all"}, "loss.mine.normalize must be one of weights, count; got all"),
    ],
    ids=["unknown", "missing", "reduce", "normalize"],
)
def test_options_that_do_not_fit_are_an_error(options: dict[str, object], text: str) -> None:
    def loss(logits: Tensor, target: Tensor, *, gamma: float) -> Tensor: ...

    with pytest.raises(ValueError, match=text):
        Term("mine", loss, **options)


def test_a_loss_without_options_says_so() -> None:
    with pytest.raises(ValueError, match=r"loss mine has no option 'gamma': it has none$"):
        Term("mine", mse, options={"gamma": 1})


def test_a_function_that_takes_any_option_gets_any() -> None:
    term = bound(lambda logits, **options: logits * options["scale"], options={"scale": 3.0})
    assert term.forward(TENSORS).item() == pytest.approx(3 * LOGITS.mean().item())


def test_the_weight_is_a_number_or_a_schedule() -> None:
    assert Term("mine", mse, weight=0.3).weight_at(5.0) == 0.3
    assert Term("mine", mse, weight=Linear(0, 1, duration=10)).weight_at(5.0) == 0.5


# Values


@pytest.mark.parametrize(("reduce", "expected"), [("mean", 1 / 6), ("sum", 1 / 3)])
def test_values_are_reduced(reduce: str, expected: float) -> None:
    term = bound(lambda logits: torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]), reduce=reduce)
    assert term.forward(TENSORS).item() == pytest.approx(expected)


@pytest.mark.parametrize("normalize", ["weights", "count"])
def test_class_weights_of_indices_are_torchs(normalize: str) -> None:
    weight = [0.5, 2.0, 1.0]
    term = bound(cross_entropy, class_weight=weight, normalize=normalize)
    total = F.cross_entropy(LOGITS, TARGET, torch.tensor(weight), reduction="sum")
    divisor = sum(weight) if normalize == "weights" else 3
    assert term.forward(TENSORS).item() == pytest.approx(total.item() / divisor)


def test_class_weights_of_one_hot_targets_are_those_of_indices() -> None:
    weight = [0.5, 2.0, 1.0]
    term = bound(cross_entropy, class_weight=weight)
    one_hot = {**TENSORS, "target": F.one_hot(TARGET, 3)}
    assert term.forward(one_hot).item() == pytest.approx(term.forward(TENSORS).item())


def test_ignore_index_is_torchs() -> None:
    tensors = {**TENSORS, "target": torch.tensor([0, -100, 1])}
    term = bound(cross_entropy, ignore_index=-100)
    expected = F.cross_entropy(LOGITS, tensors["target"], ignore_index=-100)
    assert term.forward(tensors).item() == pytest.approx(expected.item())


def test_weight_class_weight_and_ignore_index_multiply() -> None:
    tensors = {
        **TENSORS,
        "target": torch.tensor([0, 255, 1], dtype=torch.uint8),
        "weight": torch.tensor([[3.0], [9.0], [1.0]]),
    }
    term = bound(cross_entropy, (*BATCH, "weight"), ignore_index=255, class_weight=[0.5, 2.0, 1.0])
    expected = (3 * 0.5 * VALUES[0] + 1 * 2.0 * VALUES[2]) / (3 * 0.5 + 2.0)
    assert term.forward(tensors).item() == pytest.approx(expected.item())


def test_class_weights_of_hinge_with_plus_minus_one() -> None:
    tensors = {"logits": torch.tensor([[0.5], [0.5]]), "target": torch.tensor([[-1], [1]])}
    term = bound(hinge, class_weight=[1.0, 3.0], options={"labels": "pm1"})
    assert term.forward(tensors).item() == pytest.approx((1.5 + 3 * 0.5) / 4)


def test_a_boolean_mask_is_a_weight() -> None:
    tensors = {**TENSORS, "weight": torch.tensor([True, False, True])}
    term = bound(cross_entropy, (*BATCH, "weight"))
    assert term.forward(tensors).item() == pytest.approx((VALUES[0] + VALUES[2]).item() / 2)


def test_another_tensor_can_be_the_weight_or_none() -> None:
    tensors = {**TENSORS, "weight": torch.tensor([1.0, 0, 0]), "border": torch.tensor([0, 0, 1.0])}
    batch = (*BATCH, "weight", "border")
    values = [
        bound(cross_entropy, batch, names=names).forward(tensors).item()
        for names in ({}, {"weight": "border"}, {"weight": None})
    ]
    assert values == pytest.approx([VALUES[0].item(), VALUES[2].item(), VALUES.mean().item()])


def test_a_loss_that_asks_for_the_weight_gets_it_with_everything_in_it() -> None:
    seen = {}

    def mine(logits: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        seen["mask"] = mask
        return logits.sum(1)

    term = bound(mine, (*BATCH, "weight"), ignore_index=1, class_weight=[0.5, 1.0, 2.0])
    value = term.forward({**TENSORS, "weight": torch.tensor([1.0, 3.0, 5.0])})
    assert seen["mask"].tolist() == [0.5, 6.0, 0.0]
    filled = torch.cat([LOGITS[:2], torch.zeros(1, 3)])
    assert value.item() == pytest.approx(filled.sum(1).mean().item())


def test_a_loss_that_asks_for_the_weight_gets_none_where_there_is_none() -> None:
    term = bound(dice)
    assert term.arguments(TENSORS) == (
        {"logits": TENSORS["logits"], "target": TENSORS["target"]},
        None,
    )
    weighted = bound(dice, (*BATCH, "weight"), names={"weight": None})
    assert weighted.arguments(TENSORS)[1] is None


def test_its_own_mask_is_not_overwritten_by_the_batchs_weight() -> None:
    def mine(logits: Tensor, mask: Tensor | None = None) -> Tensor:
        return logits.sum(1) * mask

    batch = ("weight", "mask")
    tensors = {**TENSORS, "weight": torch.zeros(3), "mask": torch.tensor([1.0, 0.0, 0.0])}
    assert bound(mine, batch).forward(tensors).item() == pytest.approx(1.5 / 3)


def test_regularisers_are_not_weighted() -> None:
    term = bound(l2_norm, (*BATCH, "weight"))
    value = term.forward({"parameters": {"w": torch.tensor([2.0])}, "weight": torch.zeros(3)})
    assert value.item() == 2


def test_elements_of_weight_zero_are_filled_before_the_loss_sees_them() -> None:
    tensors = {
        "logits": torch.full((2, 3, 2), torch.nan),
        "target": torch.tensor([[9, 1], [2, 9]]),
        "input": torch.ones(2, 5),
    }
    term = bound(lambda logits, target, x: logits, ignore_index=9)
    arguments, weight = term.arguments(tensors)
    assert weight.tolist() == [[0, 1], [1, 0]]
    assert arguments["target"].tolist() == [[0, 1], [2, 0]]
    assert (arguments["logits"][0, :, 0] == 0).all()
    assert arguments["logits"][0, :, 1].isnan().all()
    assert arguments["x"] is tensors["input"]


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("last", [2, 3], ids=["as many as outputs", "more than outputs"])
@pytest.mark.parametrize("loss", [quantile, expectile, crps_ensemble])
def test_a_weight_per_output_goes_with_the_output_whatever_axis_follows_it(
    loss: Callable[..., Tensor], last: int, reduce: str
) -> None:
    generator = torch.Generator().manual_seed(0)
    of = "members" if loss is crps_ensemble else "prediction"
    options = {} if loss is crps_ensemble else {"level": [0.1, 0.5, 0.9][:last]}
    answer = torch.randn(3, 2, last, generator=generator).double()
    target = torch.randn(3, 2, generator=generator).double()
    weight = torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]).double()
    term = bound(loss, ("target", "weight"), (of,), options=options, reduce=reduce)
    values = loss(answer, target, **options)
    expected = (weight * values).sum() / weight.sum() * (1 if reduce == "mean" else 4 / 3)
    spoilt = torch.where(weight.unsqueeze(2) > 0, answer, torch.nan).requires_grad_()
    given = torch.where(weight > 0, target, torch.nan)
    value = term.forward({of: spoilt, "target": given, "weight": weight})
    (gradient,) = torch.autograd.grad(value, spoilt)
    torch.testing.assert_close(value, expected)
    assert ((gradient != 0).any(2) == (weight > 0)).all()
    # Masks may also hold one entry per sample, on an axis of its own.
    per_sample = {of: answer, "target": target, "weight": torch.tensor([[1.0], [0.0], [1.0]])}
    torch.testing.assert_close(
        term.forward(per_sample),
        values[[0, 2]].mean() if reduce == "mean" else values[[0, 2]].sum() / 2,
    )


def test_a_loss_that_returns_the_last_axis_too_is_weighed_by_output() -> None:
    def squared(prediction: Tensor, target: Tensor) -> Tensor:
        return (prediction - target.unsqueeze(-1)) ** 2

    prediction = torch.tensor([[[1.0, 2.0], [10.0, 20.0]]])
    tensors = {
        "prediction": prediction,
        "target": torch.zeros(1, 2),
        "weight": torch.tensor([[1.0, 0.0]]),
    }
    term = bound(squared, ("target", "weight"), ("prediction",))
    assert term.forward(tensors).item() == (1 + 4) / 2


def test_class_indices_keep_the_channel_axis_whatever_its_size() -> None:
    tensors = {
        "logits": torch.full((1, 2, 2), torch.nan),  # [batch, classes, pixels]
        "target": torch.tensor([[1, 0]]),
        "weight": torch.tensor([[0.0, 1.0]]),
    }
    tensors["logits"][..., 1] = torch.tensor([2.0, 0.5])
    value = bound(cross_entropy, (*BATCH, "weight")).forward(tensors)
    expected = F.cross_entropy(torch.tensor([[2.0, 0.5]]), torch.tensor([0]))
    torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("option", [{"ignore_index": 0}, {"class_weight": [1.0, 2.0]}])
def test_selecting_by_target_needs_a_target(option: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="loss mine does not look at the target, so ignore_index"):
        bound(gaussian_kl, outputs=("mu", "logvar"), **option)


def test_weights_that_do_not_fit_the_values_are_an_error() -> None:
    tensors = {
        "mu": torch.zeros(2, 3),
        "logvar": torch.zeros(2, 3),
        "weight": torch.ones(2, 1, 4, 4),
    }
    term = bound(gaussian_kl, ("weight",), ("mu", "logvar"))
    text = (
        r"values of shape \(2, 3\), .* \(2, 1, 4, 4\) can't weigh: .*\+loss.mine.names.weight=null"
    )
    with pytest.raises(ValueError, match=text):
        term.forward(tensors)


def test_one_number_cannot_be_weighted_afterwards() -> None:
    term = bound(lambda logits, target: F.cross_entropy(logits, target), ignore_index=1)
    with pytest.raises(ValueError, match=r"returned values of shape \(\), which a weight"):
        term.forward(TENSORS)


def test_a_loss_must_return_a_tensor() -> None:
    with pytest.raises(ValueError, match=r"loss mine must return a tensor; got 0.5"):
        bound(lambda logits: 0.5).forward(TENSORS)


def test_a_loss_may_ask_for_the_model_as_a_function() -> None:
    def slope(model: object, input: Tensor) -> Tensor:
        return model(input)["logits"].sum(1)

    term = bound(slope)
    assert term.sources == {"model": "model", "input": "input"}
    tensors = {"input": torch.ones(3, 2), "model": lambda x: {"logits": 2 * x}}
    assert term.forward(tensors).item() == 4
    weighted = bound(slope, (*BATCH, "weight"))
    weight = torch.tensor([1.0, 0.0, 1.0])
    tensors["input"][1] = torch.nan
    assert weighted.forward({**tensors, "weight": weight}).item() == 4
