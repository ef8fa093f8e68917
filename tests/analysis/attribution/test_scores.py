"""What can be attributed of a run, and that samples are their own."""

import pytest
import torch
from losslab.analysis.attribution import Asked, input_gradients, measure, scores_of
from losslab.analysis.rebuild import in_use
from losslab.data import Spec, TensorSource
from losslab.errors import UserError
from losslab.losses import Term, cross_entropy, dice, l2_norm, mse
from losslab.models import UNet
from small_subjects import LOSSES, mlp, source_for, step_for
from torch import nn


def given(loss, model=None, terms=None):
    target, channels, make = LOSSES[loss]
    source = source_for(target, channels)
    step = step_for(model or mlp(channels), source, terms or make())
    return in_use(step, source.spec.main_output), source


def batch_of(source):
    return next(source.batches("train", 64))


def alone(step, batch, number):
    """The gradients of batches of one sample."""
    found = []
    for row in range(len(batch["input"])):
        one = {name: tensor[row : row + 1] for name, tensor in batch.items()}
        x = one["input"].clone().requires_grad_()
        outputs, value = step.evaluate({**one, "input": x}, 0.0)
        found.append(torch.autograd.grad(number(outputs, value), x)[0])
    return torch.cat(found)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_of_the_loss_is_that_of_each_sample_alone(loss):
    step, source = given(loss)
    batch = batch_of(source)
    scores = scores_of(step, batch, source.spec, "loss")
    exact = alone(step, batch, lambda outputs, value: value.total)
    torch.testing.assert_close(input_gradients(scores, batch["input"]), exact)


@pytest.mark.parametrize(
    ("loss", "of", "chosen", "number"),
    [
        ("cross_entropy", "logit", None, lambda o: o["logits"].max()),
        ("cross_entropy", "logit", "2", lambda o: o["logits"][0, 2]),
        ("cross_entropy", "probability", None, lambda o: o["logits"].softmax(1).max()),
        ("squared_hinge", "logit", None, lambda o: o["logits"][0, 0]),
        ("squared_hinge", "logit", "0", lambda o: -o["logits"][0, 0]),
        ("squared_hinge", "probability", None, lambda o: o["logits"].sigmoid()[0, 0]),
        ("mse", "prediction", "1", lambda o: o["prediction"][0, 1]),
    ],
)
def test_the_gradient_of_an_answer_is_that_of_each_sample_alone(loss, of, chosen, number):
    step, source = given(loss)
    batch = batch_of(source)
    scores = scores_of(step, batch, source.spec, of, chosen)
    exact = alone(step, batch, lambda outputs, value: number(outputs))
    torch.testing.assert_close(input_gradients(scores, batch["input"]), exact)


def test_batch_normalisation_and_dropout_answer_as_in_use():
    layers = nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)
    model = nn.Sequential(*layers)
    model(torch.randn(20, 3))  # running statistics
    step, source = given("cross_entropy", model)
    batch = batch_of(source)
    scores = scores_of(step, batch, source.spec, "loss")
    exact = alone(step, batch, lambda outputs, value: value.total)
    torch.testing.assert_close(input_gradients(scores, batch["input"]), exact)
    assert model.training


def test_a_loss_that_asks_for_values_is_taken_one_by_one():
    def asks(prediction, target):
        return (prediction - target).square() * (2.0 if target.sum().item() > 0 else 1.0)

    step, source = given("mse", terms=[Term("asks", asks)])
    batch = batch_of(source)
    scores = scores_of(step, batch, source.spec, "loss")
    exact = alone(step, batch, lambda outputs, value: value.total)
    torch.testing.assert_close(input_gradients(scores, batch["input"]), exact)


def test_what_is_drawn_is_the_same_at_every_call():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, input):
            return self.layer(input + torch.randn_like(input))

    step, source = given("cross_entropy", Noisy())
    batch = batch_of(source)
    state = torch.get_rng_state()
    scores = scores_of(step, batch, source.spec, "logit", "0")
    assert scores.draws
    assert torch.equal(scores(batch["input"]), scores(batch["input"]))
    assert torch.equal(torch.get_rng_state(), state)


def test_of_pictures_it_is_the_mean_over_the_pixels():
    torch.manual_seed(0)
    spec = Spec((1, 8, 8), "binary", 1, dense=True)
    target = (torch.rand(4, 1, 8, 8) > 0.5).float()
    split = {"input": torch.rand(4, 1, 8, 8), "target": target}
    source = TensorSource(spec, {"train": split, "val": split, "test": split})
    model = UNet(1, 1, width=4, depth=1)
    step = in_use(step_for(model, source, [Term("dice", dice)]), "logits")
    scores = scores_of(step, split, spec, "logit")
    expected = model.eval()(split["input"]).mean((1, 2, 3))
    torch.testing.assert_close(scores(split["input"]), expected)


class Mixing(nn.Module):
    """Answers by the distance from the batch's mean."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, input):
        return self.layer(input - input.mean(0))


@pytest.mark.parametrize(
    ("loss", "of", "chosen", "text"),
    [
        ("mse", "cost", None, "--of must be one of loss, logit, probability, prediction; got cost"),
        ("mse", "logit", None, "the target is real, so there is no logit: say --of prediction"),
        ("cross_entropy", "prediction", None, "the target is classes.* say --of logit, or"),
        ("mse", "prediction", None, "which of them. --class a number from 0 to 1"),
        ("cross_entropy", "logit", "3", "there is no class 3: --class must be a number from 0"),
        ("cross_entropy", "loss", "1", "--class is for --of logit, probability or prediction"),
    ],
)
def test_what_is_not_to_be_had_is_said(loss, of, chosen, text):
    step, source = given(loss)
    with pytest.raises(UserError, match=text):
        scores_of(step, batch_of(source), source.spec, of, chosen)


def test_a_model_that_mixes_samples_is_refused():
    step, source = given("cross_entropy", Mixing())
    with pytest.raises(UserError, match=r"changes with the others of its batch.*Mixing mixes"):
        scores_of(step, batch_of(source), source.spec, "logit", "0")


def test_a_loss_of_many_samples_together_is_refused():
    def spread(prediction):
        return 1 / (prediction - prediction.mean(0)).square().sum()

    step, source = given("mse", terms=[Term("spread", spread)])
    with pytest.raises(UserError, match="the loss of a sample alone is not finite"):
        scores_of(step, batch_of(source), source.spec, "loss")


def test_an_answer_that_the_model_does_not_give_is_said():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, input):
            return {"mu": self.layer(input)}

    source = source_for("real", 3)
    step = step_for(mlp(3), source, [Term("mse", mse)])
    step._local.model = Named()
    with pytest.raises(UserError, match="gives no prediction, only mu: say --of loss"):
        scores_of(step, batch_of(source), source.spec, "prediction")


def test_whole_numbers_as_input_are_refused():
    step, source = given("mse")
    batch = {**batch_of(source), "input": torch.ones(12, 3, dtype=torch.long)}
    with pytest.raises(UserError, match=r"the input is of torch\.int64, which has no gradient"):
        scores_of(step, batch, source.spec, "loss")


def test_a_loss_of_the_weights_alone_has_no_gradient_by_the_input():
    source = source_for("classes", 3)
    step = step_for(mlp(3), source, [Term("l2_norm", l2_norm)])
    with pytest.raises(UserError, match="no gradient reaches the input"):
        measure(step, source, Asked(of="loss", split="train"))


def test_cross_entropy_is_attributed_in_double_precision_too():
    source = source_for("classes", 3)
    own = in_use(step_for(mlp(3), source, [Term("ce", cross_entropy)]), "logits", double=True)
    batch = {k: v.double() if v.is_floating_point() else v for k, v in batch_of(source).items()}
    scores = scores_of(own, batch, source.spec, "loss")
    assert input_gradients(scores, batch["input"]).dtype == torch.float64
