"""Proximal optimizers against scikit-learn 1.9.1, and what they refuse."""

import numpy as np
import pytest
import torch
from losslab.losses import Objective, Term, elastic_net, l1_norm, mse
from losslab.losses.schedules import Linear
from losslab.training.proximal import FISTA, ISTA, ProximalStep
from torch import nn

generator = np.random.default_rng(0)
X = generator.normal(size=(60, 8)) @ generator.normal(size=(8, 8)) * 0.5
Y = X @ np.array([2.0, -1.5, 0, 0, 0, 0, 0.7, 0]) + 0.3 * generator.normal(size=60) + 1
X64, Y64 = torch.tensor(X), torch.tensor(Y).unsqueeze(1)
RATE = 1 / np.linalg.eigvalsh(np.c_[X, np.ones(60)].T @ np.c_[X, np.ones(60)] / 60)[-1]
BATCH = {"input": X64, "target": Y64}


def make_step(optimizer=FISTA, penalty=None, terms=None, model=None, **options):
    torch.manual_seed(0)
    model = model or nn.Linear(8, 1).double()
    penalty = penalty or Term("l1_norm", l1_norm, weight=0.1)
    objective = Objective(terms or [Term("mse", mse, weight=0.5), penalty])
    objective.bind(("input", "target"), ("prediction",), "prediction")
    return ProximalStep(
        model,
        objective,
        optimizer(model.parameters(), lr=RATE),
        inputs=("input",),
        main_output="prediction",
        lr=RATE,
        **options,
    )


def exact(l1_ratio=1.0):
    from sklearn.linear_model import ElasticNet

    return ElasticNet(alpha=0.1, l1_ratio=l1_ratio, tol=1e-14, max_iter=1_000_000).fit(X, Y)


@pytest.mark.parametrize(
    ("optimizer", "steps"), [(ISTA, 3000), (FISTA, 600)], ids=["ista", "fista"]
)
def test_it_reaches_the_lasso_with_its_exact_zeros(optimizer, steps):
    step, solver = make_step(optimizer), exact()
    for _ in range(steps):
        step.train(BATCH, 0.0)
    weight = step.parameters["weight"].detach().numpy()[0]
    np.testing.assert_allclose(weight, solver.coef_, atol=1e-6)
    assert ((weight == 0) == (solver.coef_ == 0)).all()
    assert 0 < (weight == 0).sum() < 8
    assert step.parameters["bias"].item() == pytest.approx(solver.intercept_, abs=1e-6)


def test_it_reaches_the_elastic_net():
    penalty = Term("elastic_net", elastic_net, weight=0.1, options={"l1_ratio": 0.6})
    step, solver = make_step(penalty=penalty), exact(0.6)
    for _ in range(600):
        step.train(BATCH, 0.0)
    weight = step.parameters["weight"].detach().numpy()[0]
    np.testing.assert_allclose(weight, solver.coef_, atol=1e-6)


def test_plain_gradient_steps_reach_no_zero():
    from losslab.training.step import EagerStep

    model = make_step().model
    step = make_step(model=model)
    plain = EagerStep(
        model,
        step.objective,
        torch.optim.SGD(model.parameters(), lr=RATE),
        inputs=("input",),
        main_output="prediction",
        lr=RATE,
    )
    for _ in range(600):
        plain.train(BATCH, 0.0)
    assert (step.parameters["weight"] != 0).all()


def test_momentum_gets_there_in_fewer_steps():
    def above(optimizer):
        step = make_step(optimizer)
        for _ in range(60):
            step.train(BATCH, 0.0)
        return step.evaluate(BATCH, 0.0)[1].total.item()

    assert above(FISTA) < above(ISTA)


def test_the_term_is_logged_and_its_gradient_left_out():
    step = make_step()
    value = step.compute(BATCH, 0.0)
    sum_of_terms = sum(part.item() for part in value.contributions.values())
    assert value.total.item() == pytest.approx(sum_of_terms)
    (taken,) = torch.autograd.grad(value.total, [step.parameters["weight"]], retain_graph=True)
    (smooth,) = torch.autograd.grad(0.5 * value.values["mse"], [step.parameters["weight"]])
    torch.testing.assert_close(taken, smooth)


def test_the_step_follows_the_weights_schedule():
    step = make_step(ISTA, Term("l1_norm", l1_norm, weight=Linear(0.0, 100.0, duration=1)))
    step.train(BATCH, 0.0)
    assert (step.parameters["weight"] != 0).all()
    step.train(BATCH, 1.0)
    assert (step.parameters["weight"] == 0).all()


def test_a_frozen_parameter_is_not_moved():
    model = nn.Linear(8, 1).double()
    model.weight.requires_grad_(False)
    before = model.weight.clone()
    make_step(ISTA, model=model).train(BATCH, 0.0)
    assert torch.equal(model.weight, before)


def test_accumulated_halves_are_one_step():
    whole, halves = make_step(), make_step(accumulate=2)
    for _ in range(5):
        whole.train(BATCH, 0.0)
        for rows in (slice(0, 30), slice(30, 60)):
            halves.train({name: tensor[rows] for name, tensor in BATCH.items()}, 0.0)
    torch.testing.assert_close(whole.parameters["weight"], halves.parameters["weight"])


def test_a_checkpoint_keeps_the_momentum():
    straight, first, second = make_step(), make_step(), make_step()
    for _ in range(10):
        straight.train(BATCH, 0.0)
    for _ in range(5):
        first.train(BATCH, 0.0)
    second.load(first.state())
    for _ in range(5):
        second.train(BATCH, 0.0)
    assert torch.equal(straight.parameters["weight"], second.parameters["weight"])


REFUSED = [
    ({"terms": [Term("mse", mse)]}, "no term has one: there is mse. Add l1_norm or elastic_net"),
    (
        {"terms": [Term("mse", mse), Term("a", l1_norm), Term("b", elastic_net)]},
        "a and b both move weight, and proximal steps don't add up",
    ),
    ({"clip_norm": 1.0}, "optimizer=fista can't be combined with trainer.clip_norm"),
]


@pytest.mark.parametrize(("options", "text"), REFUSED, ids=["no prox", "two", "clip"])
def test_what_it_can_not_do_is_refused(options, text):
    with pytest.raises(ValueError, match=text):
        make_step(**options)


def test_a_learning_rate_must_be_positive():
    with pytest.raises(ValueError, match="lr must be positive; got 0"):
        ISTA([torch.ones(1, requires_grad=True)], lr=0)


def test_on_the_command_line_a_refusal_has_no_traceback(cli):
    outcome = cli("train", "model=linear", "loss=bce", "optimizer=ista", "tracking=none")
    assert outcome.code == 2
    assert "optimizer=ista takes proximal steps, and no term has one: there is bce" in outcome.err


def test_stacked_runs_say_why_they_are_trained_one_by_one(cli):
    outcome = cli(
        *("train", "-m", "model=linear", "data=diabetes", "loss=mse+l1_norm", "optimizer=ista"),
        *("optimizer.lr=0.01,0.02", "trainer=debug", "tracking=none"),
    )
    assert outcome.code == 0, outcome
    assert "optimizer ISTA can't be stacked: sgd, adam and adamw can" in outcome.out + outcome.err
