"""A step in numbers: against torch by hand, finite differences, and the run that trains."""

import pytest
import torch
from losslab.analysis.trace import ready, trace
from losslab.cli.compose import compose_config, plain
from losslab.errors import UserError

STEP = ["optimizer=sgd", "optimizer.lr=0.05", "optimizer.momentum=0", "optimizer.nesterov=false"]
XOR = ["data=values", "data.input=[[0,0],[0,1],[1,0],[1,1]]", "data.target=[0,1,1,0]"]
LINE = ["data=values", "data.input=[1,2,3]", "data.target=[1,0,4]", "model=linear", "loss=mse"]

IMAGES = ["data=small_targets", "data.samples=8", "model=unet", "model.width=2", "model.depth=1"]
IMAGES += ["loss=dice", "trainer.batch_size=2", "data.share=0.05"]


def traced(*words, steps=1):
    return trace(plain(compose_config(list(words))), steps)


def by_name(values):
    return {value.name: value for value in values}


def test_a_line_by_hand():
    # prediction 2x + 1 = 3, 5, 7; error 2, 5, 3; its gradient 2 e / 3.
    result = traced(*LINE, *STEP, "initial_weights={weight: [[2]], bias: [1]}")
    (prediction,) = result.values
    assert prediction.made_by == "model = Linear(input)"
    assert prediction.value.flatten().tolist() == [3.0, 5.0, 7.0]
    torch.testing.assert_close(prediction.gradient.flatten(), torch.tensor([4.0, 10.0, 6.0]) / 3)
    assert prediction.formula == "2 (prediction − target) / 3"
    (term,) = result.terms
    assert (term.name, term.weight) == ("mse", 1.0)
    assert term.values.flatten().tolist() == [4.0, 25.0, 9.0]
    assert term.value == pytest.approx(38 / 3)
    start, end = result.points
    assert start.loss == pytest.approx(38 / 3)
    # ∂/∂w = 2 (2·1 + 5·2 + 3·3) / 3 = 14, ∂/∂b = 2 · 10 / 3.
    assert start.gradients["weight"].item() == pytest.approx(14.0)
    assert start.gradients["bias"].item() == pytest.approx(20 / 3)
    assert start.gradient_norm == pytest.approx((14**2 + (20 / 3) ** 2) ** 0.5)
    assert end.weights["weight"].item() == pytest.approx(2 - 0.05 * 14)
    assert result.rule == "W − lr · gradient"
    assert result.formulas == {"weight": "(∂loss/∂prediction)ᵀ · input"}


def test_gradients_are_the_slopes_of_the_loss():
    words = [*XOR, "data.kind=binary", "model=mlp", "model.width=3", "model.depth=1"]
    words += ["loss=sigmoid_focal", "model.activation=tanh", *STEP]
    result = traced(*words)
    parts, batch = ready(plain(compose_config(words)))
    model, (start, _) = parts.step.model.double(), result.points
    batch = {name: tensor.double() for name, tensor in batch.items()}

    def loss():
        return parts.step.compute(batch, 0.0).total.item()

    with torch.no_grad():
        for name, weight in model.named_parameters():
            for index, number in enumerate(weight.view(-1)):
                number += 1e-5
                above = loss()
                number -= 2e-5
                slope = (above - loss()) / 2e-5
                number += 1e-5
                assert start.gradients[name].flatten()[index].item() == pytest.approx(
                    slope, abs=1e-6
                )


def test_the_chain_through_each_layer_gives_the_gradient_before_it():
    words = ["data.kind=binary", "model=mlp", "model.width=3", "model.depth=2", "loss=bce"]
    values = by_name(traced(*XOR, *words).values)
    assert list(values) == ["layers.0", "layers.1", "layers.2", "layers.3", "logits"]
    for after, before in (("layers.1", "layers.0"), ("layers.3", "layers.2")):
        slopes = values[after].jacobian  # of a ReLU: 0 or 1
        assert values[after].source == before
        assert torch.equal(slopes, (values[before].value > 0).float())
        torch.testing.assert_close(slopes * values[after].gradient, values[before].gradient)


def test_it_is_the_step_that_training_makes(cli, workdir):
    words = [*XOR, "data.kind=binary", "model=mlp", "model.width=3", "model.depth=1", "loss=bce"]
    words += ["tracking=none", "trainer.epochs=1", "optimizer=adam", "seed=3"]
    assert cli("train", *words).code == 0
    (checkpoint,) = workdir.glob("outputs/*/checkpoints/last.pt")
    trained = torch.load(checkpoint, weights_only=True)["model"]
    for name, weight in traced(*words).points[1].weights.items():
        torch.testing.assert_close(weight, trained[name])


def test_several_terms_each_with_its_own_gradient():
    result = traced(*LINE[:-1], "loss=[mse,l1,l2_norm]", "loss.l1.weight=0.5", *STEP)
    mse, l1, l2 = result.terms
    (prediction,) = result.values
    total = mse.gradients["prediction"] + 0.5 * l1.gradients["prediction"]
    torch.testing.assert_close(prediction.gradient, total)
    assert l2.gradients == {}
    sums = sum(term.weight * term.value for term in result.terms)
    assert result.points[0].loss == pytest.approx(sums)


def test_an_output_that_the_loss_does_not_ask_for_has_no_gradient():
    result = traced(*LINE, "model.heads=[logvar]", *STEP)
    assert by_name(result.values)["logvar"].gradient is None
    assert not result.points[0].gradients["heads.logvar.weight"].any()


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (STEP, "W − lr · gradient"),
        (["optimizer=adam"], "W − lr · sign(gradient)"),
        (["optimizer=adamw", "optimizer.weight_decay=0.5"], ""),
    ],
    ids=["sgd", "adam", "adamw"],
)
def test_what_the_first_step_did_is_recognised(optimizer, rule):
    start = "initial_weights={weight: [[2]], bias: [-9]}"  # gradients of either sign
    assert traced(*LINE, *optimizer, start).rule == rule


def test_steps_go_on_from_each_other_and_a_schedule_moves():
    words = ["schedule@optimizer.lr=linear", "optimizer.lr.start=0.1", "optimizer.lr.end=0"]
    words += ["optimizer.lr.duration=2"]
    result = traced(*LINE, *STEP[:1], *STEP[2:], *words, steps=4)
    moves = [
        (b.weights["weight"] - a.weights["weight"]) / a.gradients["weight"]
        for a, b in zip(result.points, result.points[1:], strict=False)
    ]
    assert [-round(move.item(), 4) for move in moves] == pytest.approx([0.1, 0.05, 0, 0])
    assert result.rule == "W − lr · gradient"


@pytest.mark.parametrize("optimizer", ["adagrad", "rmsprop", "lbfgs"])
def test_any_optimizer_makes_its_own_step(optimizer):
    result = traced(*LINE, f"optimizer={optimizer}", steps=3)
    assert result.points[-1].loss < result.points[0].loss


def test_updates_wait_for_no_further_batch():
    result = traced(*LINE, *STEP, "trainer.accumulate=4", "trainer.clip_norm=0.5")
    moved = result.points[1].weights["weight"] - result.points[0].weights["weight"]
    assert moved.abs().item() > 0
    assert result.rule == ""  # the gradient was clipped


def test_an_image_model_shows_its_layers():
    values = traced(*IMAGES, "data.size=8").values
    assert values[-1].name == "logits"
    assert values[0].value.shape == (2, 2, 8, 8)
    assert all(value.gradient.shape == value.value.shape for value in values)


@pytest.mark.parametrize(
    ("words", "steps", "message"),
    [
        (["model=mlp"], 1, "this model has 6,209 weights: at most 500"),
        (["data=diabetes", "model=linear", "loss=mse", "trainer.batch_size=200"], 1,
         r"input has 200 × 10 = 2,000: .*trainer.batch_size=2"),
        ([*IMAGES, "data.size=20"], 1, r"has 2 × 2 × 20 × 20 = 1,600: at most 1,024"),
        (LINE, 0, "at least 1 step; got 0"),
        ([*LINE[:-1], "loss=bce"], 1, "bce"),
    ],
    ids=["weights", "rows", "pixels", "steps", "what training refuses"],
)  # fmt: skip
def test_what_cannot_be_traced_says_why(words, steps, message):
    with pytest.raises(UserError, match=message):
        traced(*words, steps=steps)
