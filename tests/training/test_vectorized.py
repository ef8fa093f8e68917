"""The stacked step against the same runs one by one: gradients, weights, buffers, answers."""

import copy

import pytest
import torch
from losslab.losses import (
    Objective,
    Term,
    bce,
    cross_entropy,
    dice,
    focal,
    gaussian_kl,
    l2_norm,
    mse,
)
from losslab.models import MLP, VAE, UNet
from losslab.training.stacked_optimizer import StackedOptimizer
from losslab.training.step import EagerStep
from losslab.training.vectorized import VectorizedStep, numbers_of

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

G = torch.Generator().manual_seed(0)
ROWS = {
    "input": torch.randn(24, 5, generator=G).double(),
    "target": (torch.rand(24, 1, generator=G) < 0.5).double(),
}
IMAGES = {
    "input": torch.randn(6, 1, 16, 16, generator=G).double(),
    "target": (torch.rand(6, 1, 16, 16, generator=G) < 0.3).double(),
}
PICTURES = {"input": torch.rand(6, 1, 8, 8, generator=G).double()}
NOISE = torch.randn(6, 2, generator=G).double()
RATES = [0.01, 0.05, 0.1]


def mlp(seed):
    torch.manual_seed(seed)
    return MLP(5, 1, width=8).double()


def unet(seed, norm="group"):
    torch.manual_seed(seed)
    return UNet(1, 1, width=4, depth=1, norm=norm).double()


def vae(seed, kind):
    torch.manual_seed(seed)
    return VAE((1, 8, 8), latent=2, kind=kind, width=8).double()


def likelihood(run):
    names = {"logits": "reconstruction_logits", "target": "input"}
    return [
        Term("bce", bce, reduce="sum", names=names),
        Term("kl", gaussian_kl, weight=lambda time: 0.1 + time * run, reduce="sum"),
    ]


def terms(run):
    return [
        Term("focal", focal, weight=0.5 + run, options={"gamma": float(run), "alpha": 0.3}),
        Term("l2", l2_norm, weight=lambda time: 0.1 * (run + time)),
    ]


CASES = {
    "mlp": (mlp, terms, ROWS),
    "mlp-class_weight": (
        mlp,
        lambda run: [Term("bce", bce, class_weight=[1.0, 1.0 + run])],
        ROWS,
    ),
    "unet": (unet, lambda run: [Term("dice", dice, options={"smooth": float(run)})], IMAGES),
    "unet-batch_norm": (
        lambda seed: unet(seed, "batch"),
        lambda run: [Term("bce", bce, options={"label_smoothing": 0.1 * run})],
        IMAGES,
    ),
    "vae-mlp": (lambda seed: vae(seed, "mlp"), likelihood, PICTURES),
    "vae-conv": (lambda seed: vae(seed, "conv"), likelihood, PICTURES),
}
OUTPUTS = ("logits", "prediction", "reconstruction_logits", "mu", "logvar")


@pytest.fixture(autouse=True)
def _one_noise(request, monkeypatch):
    """What a VAE draws is the same for all, so that gradients can be compared through it."""
    if "vae" in request.node.name:
        monkeypatch.setattr("torch.randn_like", lambda mu: NOISE[: len(mu)].to(mu.dtype))


def bound(terms):
    objective = Objective(terms)
    objective.bind(("input", "target"), OUTPUTS, "logits")
    return objective


def both(name, kind, shared, clip=None, dtype=torch.float64):
    """The stacked step, and the same runs one by one."""
    make, terms, data = CASES[name]
    data = {name: tensor.to(dtype) for name, tensor in data.items()}
    models = [make(run).to(dtype) for run in range(3)]
    alone = copy.deepcopy(models)
    objectives = [bound(terms(run)) for run in range(3)]
    options = {"lr": 0.1, "weight_decay": 0.01}
    group = getattr(torch.optim, kind)(models[0].parameters(), **options).param_groups[0]
    optimizer = StackedOptimizer(kind, [group] * 3, RATES, next(models[0].parameters()))
    together = VectorizedStep(
        models,
        objectives,
        optimizer,
        inputs=("input",),
        main_output="logits",
        shared_batches=shared,
        clip_norm=clip,
    )
    steps = [
        EagerStep(
            model,
            objective,
            getattr(torch.optim, kind)(model.parameters(), **{**options, "lr": rate}),
            inputs=("input",),
            main_output="logits",
            lr=rate,
            clip_norm=clip,
        )
        for model, objective, rate in zip(alone, objectives, RATES, strict=True)
    ]
    return together, steps, data


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared_batches", "own_batches"])
@pytest.mark.parametrize("name", CASES)
def test_every_run_ends_where_it_would_have_ended_alone(name, shared, kind):
    together, steps, data = both(name, kind, shared)
    size = len(data["input"])
    for number in range(5):
        orders = [
            torch.randperm(size, generator=torch.Generator().manual_seed(s)) for s in (1, 2, 3)
        ]
        rows = [orders[0] if shared else order for order in orders]
        first, stop = (0, size) if number % 2 else (0, size // 2)
        own = [{n: t[order[first:stop]] for n, t in data.items()} for order in rows]
        batch = own[0] if shared else {n: torch.stack([b[n] for b in own]) for n in data}
        values = together.train(batch, number / 2)
        for run, step in enumerate(steps):
            expected = step.train(own[run], number / 2)
            for value, alone in zip(values, expected, strict=True):
                torch.testing.assert_close(value[run], alone)
    for run, step in enumerate(steps):
        torch.testing.assert_close(together.state_of(run), step.model.state_dict())


@pytest.mark.parametrize(
    ("dtype", "error"), [(torch.float64, 1e-8), (torch.float32, 1e-6)], ids=["fp64", "fp32"]
)
@pytest.mark.parametrize("name", CASES)
def test_every_runs_first_gradient_is_its_own(name, dtype, error):
    together, steps, data = both(name, "SGD", True, dtype=dtype)
    gradients, values = together.gradients(data, 0.5)
    for run, step in enumerate(steps):
        value = step.compute(data, 0.5)
        expected = torch.cat(
            [g.flatten() for g in torch.autograd.grad(value.total, list(step.parameters.values()))]
        )
        assert (gradients[run] - expected).norm() < error * expected.norm()
        for ours, theirs in zip(values, value.values.values(), strict=True):
            torch.testing.assert_close(ours[run], theirs, rtol=error, atol=0)


@pytest.mark.parametrize("name", ["mlp", "unet-batch_norm"])
@pytest.mark.parametrize("stopped", [False, True], ids=["goes_on", "stopped"])
def test_a_run_that_is_nan_does_not_change_one_bit_of_the_others(name, stopped):
    sound, _, data = both(name, "AdamW", True)
    spoilt, *_ = both(name, "AdamW", True)
    spoilt.weights[1] = torch.nan
    if stopped:
        spoilt.stop(1)
    for number in range(3):
        sound.train(data, number)
        spoilt.train(data, number)
    assert spoilt.weights[1].isnan().all()
    for run in (0, 2):
        assert torch.equal(sound.weights[run], spoilt.weights[run])
        for name, buffer in sound.buffers.items():
            assert torch.equal(buffer[run], spoilt.buffers[name][run])


def test_gradients_are_clipped_run_by_run():
    together, steps, data = both("mlp", "SGD", True, clip=1e-3)
    together.train(data, 0.0)
    for run, step in enumerate(steps):
        step.train(data, 0.0)
        torch.testing.assert_close(
            together.state_of(run), step.model.state_dict(), atol=1e-9, rtol=0
        )


def test_answers_and_objectives_of_all_runs_at_once():
    together, steps, data = both("unet", "SGD", True)
    with together.evaluating():
        outputs, totals, values = together.evaluate(data, 0.0)
    for run, step in enumerate(steps):
        with step.evaluating():
            expected, value = step.evaluate(data, 0.0)
        torch.testing.assert_close(outputs["logits"][run], expected["logits"])
        torch.testing.assert_close(totals[run], value.total)
        torch.testing.assert_close(values["dice"][run], value.values["dice"])


def test_weights_put_back_are_those_taken():
    together, _, data = both("unet-batch_norm", "SGD", True)
    before = [together.state_of(run) for run in range(3)]
    together.train(data, 0.0)
    together.put([before[0], None, before[2]])
    torch.testing.assert_close(together.state_of(0), before[0])
    assert not torch.equal(together.state_of(1)["head.weight"], before[1]["head.weight"])


def test_only_numbers_that_differ_are_stacked():
    runs = [
        bound([Term("mse", mse), Term("ce", cross_entropy, options={"label_smoothing": s})])
        for s in (0.0, 0.1)
    ]
    assert {k: v["label_smoothing"].tolist() for k, v in numbers_of(runs).items()} == {
        "ce": [0.0, pytest.approx(0.1)]
    }
    assert numbers_of([runs[0], runs[0]]) == {}
