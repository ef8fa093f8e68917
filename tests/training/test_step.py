"""EagerStep against PyTorch's own loop, written out."""

import copy

import pytest
import torch
from losslab.losses import Objective, Term, bce, gradient_penalty, l2_norm, mse
from losslab.losses.schedules import Linear
from losslab.training.step import EagerStep, NamedModel, model_inputs
from small_steps import rows, step_of
from torch import nn


def make_step(model, terms=None, **options):
    return step_of(model, terms or [Term("bce", bce)], "logits", **options)


def batches(n=6):
    return rows(lambda inputs: (inputs[:, :1] > 0).float(), n)


def twins():
    torch.manual_seed(0)
    one, other = nn.Linear(3, 1), nn.Linear(3, 1)
    other.load_state_dict(one.state_dict())
    return one, other


def test_it_takes_the_steps_that_pytorch_takes():
    ours, theirs = twins()
    step, optimizer = make_step(ours), torch.optim.SGD(theirs.parameters(), lr=0.1)
    for batch in batches():
        (value,) = step.train(batch, 0.0)
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(
            theirs(batch["input"]), batch["target"]
        )
        loss.backward()
        optimizer.step()
        assert value.item() == pytest.approx(loss.item(), rel=1e-6)
    torch.testing.assert_close(ours.weight, theirs.weight)


def test_accumulated_halves_equal_the_whole_batch():
    ours, theirs = twins()
    halves, whole = make_step(ours, accumulate=2), make_step(theirs)
    for batch in batches():
        halves.train({name: t[:4] for name, t in batch.items()}, 0.0)
        assert not halves.between_updates
        halves.train({name: t[4:] for name, t in batch.items()}, 0.0)
        assert halves.between_updates
        whole.train(batch, 0.0)
    torch.testing.assert_close(ours.weight, theirs.weight)


def test_flush_applies_the_mean_of_what_is_left():
    ours, theirs = twins()
    four, one = make_step(ours, accumulate=4), make_step(theirs)
    batch = next(batches())
    four.train(batch, 0.0)
    one.train(batch, 0.0)
    assert not torch.equal(ours.weight, theirs.weight)
    four.flush()
    torch.testing.assert_close(ours.weight, theirs.weight)


def test_the_gradient_is_clipped_to_the_norm():
    model, _ = twins()
    before = torch.cat([p.detach().flatten() for p in model.parameters()])
    make_step(model, lr=1.0, clip_norm=1e-3).train(next(batches()), 0.0)
    moved = torch.cat([p.detach().flatten() for p in model.parameters()]) - before
    assert moved.norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_the_learning_rate_follows_its_schedule():
    model, _ = twins()
    step = make_step(model, lr=Linear(start=0.5, end=0.0, duration=10))
    step.train(next(batches()), 5.0)
    assert step.learning_rate == 0.25


def test_lbfgs_reaches_the_optimum_of_a_quadratic():
    torch.manual_seed(0)
    inputs = torch.randn(50, 3)
    exact = torch.tensor([[1.0, -2.0, 0.5]])
    model = nn.Linear(3, 1, bias=False)
    objective = Objective([Term("mse", mse)])
    objective.bind(("input", "target"), ("prediction",), "prediction")
    optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    step = EagerStep(
        model, objective, optimizer, inputs=("input",), main_output="prediction", lr=1.0
    )
    for _ in range(3):
        step.train({"input": inputs, "target": inputs @ exact.T}, 0.0)
    torch.testing.assert_close(model.weight.detach(), exact, rtol=1e-4, atol=1e-4)


def test_gradient_shares_are_the_shares_of_the_norms():
    model, _ = twins()
    step = make_step(model, [Term("bce", bce), Term("l2", l2_norm, weight=3.0)])
    batch = next(batches())
    shares = step.gradient_shares(batch, 0.0)
    weight = model.weight
    logits = model(batch["input"])
    loss = nn.functional.binary_cross_entropy_with_logits(logits, batch["target"])
    of_bce = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])
    norms = of_bce.norm().item(), 3.0 * weight.norm().item()
    assert shares["l2"] == pytest.approx(norms[1] / sum(norms), rel=1e-5)
    assert sum(shares.values()) == pytest.approx(1.0)


def test_state_and_load_continue_exactly():
    one, other = twins()
    first = make_step(one, optimizer=torch.optim.Adam)
    stream = list(batches())
    for batch in stream[:3]:
        first.train(batch, 0.0)
    second = make_step(other, optimizer=torch.optim.Adam)
    second.load(copy.deepcopy(first.state()))  # as a file would keep it
    for batch in stream[3:]:
        first.train(batch, 0.0)
        second.train(batch, 0.0)
    assert torch.equal(one.weight, other.weight)


def test_evaluating_is_without_dropout_and_gradient():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 50), nn.Dropout(0.5), nn.Linear(50, 1))
    step = make_step(model)
    batch = next(batches())
    with step.evaluating():
        one, other = (step.evaluate(batch, 0.0)[0]["logits"] for _ in range(2))
    assert torch.equal(one, other)
    assert not one.requires_grad
    assert model.training


def test_bad_weights_are_noticed():
    model, _ = twins()
    step = make_step(model)
    assert step.is_finite()
    with torch.no_grad():
        model.weight[0, 0] = float("nan")
    assert not step.is_finite()


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own
def test_a_compiled_step_learns_the_same():
    ours, theirs = twins()
    compiled, eager = make_step(ours), make_step(theirs)
    compiled.compile()
    for batch in batches(3):
        compiled.train(batch, 0.0)
        eager.train(batch, 0.0)
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=1e-5, atol=1e-6)


class Two(nn.Module):
    def forward(self, input, weight):
        return {"logits": input * weight}


def test_a_model_asks_for_tensors_by_name():
    batch = {"input": torch.ones(2, 1), "weight": torch.full((2, 1), 3.0), "target": torch.ones(2)}
    names = model_inputs(Two(), batch)
    assert names == ("input", "weight")
    outputs = NamedModel(Two(), "logits")([batch[name] for name in names])
    assert outputs["logits"].tolist() == [[3.0], [3.0]]


def test_the_only_argument_of_a_foreign_model_is_the_input():
    assert model_inputs(nn.Linear(1, 1), {"input": torch.ones(1, 1)}) == ("input",)


def test_a_tensor_that_the_batch_has_not_is_an_error():
    with pytest.raises(
        ValueError, match=r"model Two asks for weight: the batch gives input, target"
    ):
        model_inputs(Two(), {"input": torch.ones(1), "target": torch.ones(1)})


class Odd(nn.Module):
    def forward(self, input):
        return [input]


def test_an_answer_without_names_is_an_error():
    with pytest.raises(TypeError, match="model Odd returned a list: expected a tensor, or a dict"):
        NamedModel(Odd(), "logits")([torch.ones(1)])


class Several(nn.Module):
    def __init__(self, *names):
        super().__init__()
        self.names = names

    def forward(self, input):
        return dict.fromkeys(self.names, input)


def test_the_answer_among_several_outputs_takes_the_tasks_name():
    outputs = NamedModel(Several("logvar", "answer"), "prediction")([torch.ones(1)])
    assert [*outputs] == ["prediction", "logvar"]


def test_two_answers_are_an_error():
    with pytest.raises(ValueError, match="model Several gives both an answer, which is called "):
        NamedModel(Several("answer", "logits"), "logits")([torch.ones(1)])


def penalised(model, **options):
    return make_step(model, [Term("bce", bce), Term("slope", gradient_penalty)], **options)


def test_a_loss_may_ask_the_model_again_and_its_gradient_reaches_the_weights():
    ours, theirs = twins()
    step, optimizer = penalised(ours), torch.optim.SGD(theirs.parameters(), lr=0.1)
    for batch in batches():
        _, penalty = step.train(batch, 0.0)
        optimizer.zero_grad()
        leaf = batch["input"].clone().requires_grad_()
        logits = theirs(leaf)
        (slope,) = torch.autograd.grad(logits.sum(), leaf, create_graph=True)
        of_slope = (slope.norm(dim=1) - 1).square().mean()
        loss = nn.functional.binary_cross_entropy_with_logits(logits, batch["target"]) + of_slope
        loss.backward()
        optimizer.step()
        assert penalty.item() == pytest.approx(of_slope.item(), rel=1e-5)
    torch.testing.assert_close(ours.weight, theirs.weight)


def test_asked_again_the_model_gets_the_other_tensors_of_the_batch():
    step = penalised(nn.Linear(3, 1))
    step.inputs, step._local.model = ("input", "weight"), Two()
    batch = {"input": torch.ones(2, 1), "weight": torch.full((2, 1), 3.0)}
    again = step.tensors(batch, {})["model"]
    assert again(2 * batch["input"])["logits"].tolist() == [[6.0], [6.0]]


def test_a_loss_of_the_models_slope_is_measured_in_evaluation_and_shared_out():
    step = penalised(nn.Linear(3, 1))
    batch = next(batches())
    with step.evaluating():
        value = step.evaluate(batch, 0.0)[1].values["slope"]
    slope = step.model.weight.norm()
    assert value.item() == pytest.approx((slope - 1).square().item(), rel=1e-5)
    assert step.gradient_shares(batch, 0.0)["slope"] > 0


@pytest.mark.parametrize("autocast", [False, True])
def test_a_model_that_is_asked_again_keeps_its_statistics_once(autocast):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    step = penalised(model, autocast=autocast)
    for batch in batches(3):
        step.train(batch, 0.0)
    assert model[1].num_batches_tracked == 3


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own
def test_a_compiled_step_asks_the_model_again():
    ours, theirs = twins()
    compiled, eager = penalised(ours), penalised(theirs)
    compiled.compile()
    for batch in batches(2):
        compiled.train(batch, 0.0)
        eager.train(batch, 0.0)
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=1e-5, atol=1e-6)
