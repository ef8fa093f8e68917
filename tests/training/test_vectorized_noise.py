"""What stacked runs draw at random: each its own, and distributed as it is alone.

Runs that differ in their noise alone (same weights, same batch) are trained for a few steps, many
in one stack and as many one by one. Where they end, measured without noise, is a sample of the same
distribution either way: two-sample Kolmogorov–Smirnov. That the test has the power to tell is shown
by stacks that are wrong: without noise, with less of it, or with one draw for all.
"""

import copy

import pytest
import torch
from losslab.losses import Objective, Term, bce, gaussian_kl, mse
from losslab.models import MLP, VAE
from losslab.training.stacked_optimizer import StackedOptimizer
from losslab.training.step import EagerStep
from losslab.training.vectorized import VectorizedStep
from scipy.stats import ks_2samp

RUNS, STEPS = 200, 6
ALIKE, NOTICED = 0.05, 1e-3  # p-values
G = torch.Generator().manual_seed(0)
ROWS = {"input": torch.rand(8, 5, generator=G), "target": torch.rand(8, 1, generator=G)}


def mlp(dropout=0.3):
    torch.manual_seed(1)
    return MLP(5, 1, width=8, depth=1, dropout=dropout)


def vae():
    torch.manual_seed(1)
    return VAE((5,), latent=2, width=8, depth=1)


def likelihood():
    names = {"logits": "reconstruction_logits", "target": "input"}
    return [Term("bce", bce, names=names), Term("kl", gaussian_kl, reduce="sum", weight=0.1)]


CASES = {"dropout": (mlp, lambda: [Term("mse", mse)]), "vae": (vae, likelihood)}


def objective(name):
    bound = Objective(CASES[name][1]())
    bound.bind(ROWS, ("prediction", "reconstruction_logits", "mu", "logvar"), "prediction")
    return bound


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.3)


def stack(name, runs, model=None):
    model = model or CASES[name][0]()
    groups = [sgd(model).param_groups[0]] * runs
    optimizer = StackedOptimizer("SGD", groups, [0.3] * runs, next(model.parameters()))
    return VectorizedStep(
        [copy.deepcopy(model) for _ in range(runs)],
        [objective(name) for _ in range(runs)],
        optimizer,
        inputs=("input",),
        main_output="prediction",
        shared_batches=True,
    )


def ends(step):
    """The objective without noise after a few steps; of every run in a stack."""
    for number in range(STEPS):
        step.train(ROWS, float(number))
    with step.evaluating():
        answer = step.evaluate(ROWS, 0.0)[1]
    return getattr(answer, "total", answer).flatten().tolist()


def ends_of_a_stack(name, model=None):
    torch.manual_seed(2)
    return ends(stack(name, RUNS, model))


@pytest.fixture(scope="module", params=CASES)
def alone(request):
    """The case, and where its runs end one by one."""
    name = request.param
    model = CASES[name][0]()
    found = []
    torch.manual_seed(3)
    for _ in range(RUNS):
        own = copy.deepcopy(model)
        names = {"inputs": ("input",), "main_output": "prediction", "lr": 0.3}
        found += ends(EagerStep(own, objective(name), sgd(own), **names))
    return name, found


def p_value(one, other):
    return ks_2samp(one, other).pvalue


def test_runs_end_as_they_do_one_by_one(alone):
    name, expected = alone
    assert p_value(ends_of_a_stack(name), expected) > ALIKE


def test_one_draw_for_all_runs_would_be_noticed(alone, monkeypatch):
    name, expected = alone
    vmap = torch.func.vmap

    def same(*arguments, randomness, **options):
        return vmap(*arguments, randomness="same", **options)

    monkeypatch.setattr("losslab.training.vectorized.vmap", same)
    found = ends_of_a_stack(name)
    assert len(set(found)) == 1
    assert p_value(found, expected) < NOTICED


@pytest.mark.parametrize("alone", ["vae"], indirect=True)
def test_a_vae_without_noise_would_be_noticed(alone, monkeypatch):
    monkeypatch.setattr("torch.randn_like", torch.zeros_like)
    assert p_value(ends_of_a_stack("vae"), alone[1]) < NOTICED


@pytest.mark.parametrize("dropout", [0.0, 0.15])
@pytest.mark.parametrize("alone", ["dropout"], indirect=True)
def test_less_dropout_would_be_noticed(alone, dropout):
    assert p_value(ends_of_a_stack("dropout", mlp(dropout)), alone[1]) < NOTICED


@pytest.mark.parametrize("name", CASES)
def test_every_run_and_every_step_draws_anew(name):
    together = stack(name, 16)
    torch.manual_seed(4)
    first, second = (together.gradients(ROWS, 0.0)[1][0].tolist() for _ in range(2))
    assert len({*first, *second}) == 32


@pytest.mark.parametrize("name", CASES)
def test_a_stack_trained_again_draws_the_same(name):
    once, again = ends_of_a_stack(name), ends_of_a_stack(name)
    assert once == again
