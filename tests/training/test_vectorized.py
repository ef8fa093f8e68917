"""The stacked step against the same runs one by one, in double precision."""

import copy

import pytest
import torch
from losslab.losses import Objective, Term, bce, cross_entropy, dice, focal, l2_norm, mse
from losslab.models import MLP, UNet
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
RATES = [0.01, 0.05, 0.1]


def mlp(seed):
    torch.manual_seed(seed)
    return MLP(5, 1, width=8).double()


def unet(seed, norm="group"):
    torch.manual_seed(seed)
    return UNet(1, 1, width=4, depth=1, norm=norm).double()


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
}


def bound(terms):
    objective = Objective(terms)
    objective.bind(("input", "target"), ("logits", "prediction"), "logits")
    return objective


def both(name, kind, shared, clip=None):
    """The stacked step, and the same runs one by one."""
    make, terms, data = CASES[name]
    models = [make(run) for run in range(3)]
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
