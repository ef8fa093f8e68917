"""The loop: what it logs, when it saves and stops."""

import math
from functools import partial

import pytest
import torch
from losslab.data import Spec, TensorSource
from losslab.losses import Objective, Term, bce, l2_norm
from losslab.losses.schedules import Linear
from losslab.training.config import TrainerConfig
from losslab.training.distributed import World
from losslab.training.journal import Journal, read_entries
from losslab.training.loop import Loop
from losslab.training.metrics import metrics_for
from losslab.training.progress import NonFiniteLoss
from losslab.training.report import Report
from losslab.training.step import EagerStep

SPEC = Spec((3,), "binary", 1)


def split(rows, seed):
    inputs = torch.randn(rows, 3, generator=torch.Generator().manual_seed(seed))
    return {"input": inputs, "target": (inputs[:, :1] > 0).long()}


SOURCE = TensorSource(SPEC, {"train": split(50, 0), "val": split(20, 1), "test": split(20, 2)})


@pytest.fixture
def make_loop(tmp_path):
    journals = []

    def make(terms=None, lr=0.1, log_every=None, shares=False, save=None, **trainer):
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 1)
        objective = Objective(terms or [Term("bce", bce)])
        objective.bind(("input", "target"), ("logits",), "logits")
        step = EagerStep(
            model, objective, torch.optim.SGD(model.parameters(), lr=lr),
            inputs=("input",), main_output="logits", lr=lr,
        )  # fmt: skip
        journal = Journal(tmp_path / f"{len(journals)}.jsonl")
        journals.append(journal)
        config = TrainerConfig(**{"epochs": 3, "batch_size": 8, **trainer})
        return Loop(
            step=step,
            source=SOURCE,
            objective=objective,
            new_metrics=partial(metrics_for, SPEC, {"logits": torch.zeros(1, 1)}, None),
            config=config,
            log_every=log_every,
            seed=0,
            journal=journal,
            report=Report(),
            save=save or (lambda name, state: None),
            world=World(),
            device=torch.device("cpu"),
            gradient_shares=shares,
        )

    yield make
    for journal in journals:
        journal.close()


def logged(tmp_path, index=0):
    series = {}
    for entry, _ in read_entries(tmp_path / f"{index}.jsonl"):
        for name, value, step, _ in entry.get("rows", ()):
            series.setdefault(name, []).append((step, float(value)))
    return series


def test_every_step_and_epoch_is_logged(make_loop, tmp_path):
    make_loop().fit()
    series = logged(tmp_path)
    assert [step for step, _ in series["train/loss"]] == list(range(1, 3 * 7 + 1))
    assert [step for step, _ in series["val/f1"]] == [7, 14, 21]
    assert {"val/loss", "val/accuracy", "lr"} <= set(series)


def test_a_window_is_the_mean_of_its_steps(make_loop, tmp_path):
    make_loop(log_every=1).fit()
    make_loop(log_every=5).fit()
    each = [value for _, value in logged(tmp_path, 0)["train/loss"]]
    windows = logged(tmp_path, 1)["train/loss"]
    assert [step for step, _ in windows] == [5, 10, 15, 20]
    for step, value in windows:
        assert value == pytest.approx(sum(each[step - 5 : step]) / 5, rel=1e-6)


def test_terms_and_weights_are_logged_apart_and_add_up(make_loop, tmp_path):
    weight = Linear(start=0.0, end=1.0, duration=3)
    make_loop([Term("bce", bce), Term("l2", l2_norm, weight=weight)], log_every=1).fit()
    series = logged(tmp_path)
    assert [w for _, w in series["weights/l2"]][:3] == pytest.approx([0, 1 / 21, 2 / 21])
    for total, first, second, w in zip(
        series["train/loss"],
        series["train/terms/bce"],
        series["train/terms/l2"],
        series["weights/l2"],
        strict=True,
    ):
        assert total[1] == pytest.approx(first[1] + w[1] * second[1], rel=1e-5)


def test_validation_uses_the_weights_of_the_last_step(make_loop):
    weight = Linear(start=0.0, end=1.0, duration=3)
    loop = make_loop([Term("bce", bce), Term("l2", l2_norm, weight=weight)])
    values = loop.evaluate("val")
    last_weight = 20 / 21  # of 3 epochs of 7 steps
    expected = values["terms/bce"] + last_weight * values["terms/l2"]
    assert values["loss"] == pytest.approx(expected, rel=1e-5)


def test_an_uneven_last_batch_counts_by_its_size(make_loop):
    loop = make_loop(batch_size=8)
    whole = make_loop(batch_size=100)
    assert loop.evaluate("val")["loss"] == pytest.approx(whole.evaluate("val")["loss"], rel=1e-6)


def test_gradient_shares_are_logged(make_loop, tmp_path):
    make_loop([Term("bce", bce), Term("l2", l2_norm)], shares=True).fit()
    series = logged(tmp_path)
    for one, other in zip(series["gradient_shares/bce"], series["gradient_shares/l2"], strict=True):
        assert one[1] + other[1] == pytest.approx(1.0)
    within = {name for name in series if name.startswith("gradient_shares/bce/")}
    assert within == {"gradient_shares/bce/weight", "gradient_shares/bce/bias"}
    assert all(-1 <= cosine <= 1 for _, cosine in series["gradient_cosine/bce/l2"])


def test_curvature_is_measured_every_so_many_epochs(make_loop, tmp_path):
    loop = make_loop(epochs=5)
    heard = []
    loop.curvature = lambda step, time: heard.append(time) or {"curvature/top": 4.0}
    loop.curvature_every = 2
    loop.fit()
    assert heard == pytest.approx([2 - 1 / 7, 4 - 1 / 7])  # of the last of 7 steps
    assert logged(tmp_path)["curvature/top"] == [(14, 4.0), (28, 4.0)]


def test_max_batches_limits_every_split(make_loop):
    loop = make_loop(max_batches=2)
    assert len(list(loop.batches("train"))) == len(list(loop.batches("val"))) == 2
    assert loop.fit().step == 6


def test_patience_counts_epochs_without_enough_gain(make_loop):
    progress = make_loop(epochs=20, patience=2, lr=0.0).fit()
    assert (progress.epoch, progress.best_epoch, progress.stale) == (3, 1, 2)


def test_min_delta_is_the_least_gain(make_loop):
    progress = make_loop(epochs=20, patience=1, monitor="loss", min_delta=10.0).fit()
    assert progress.epoch == 2


def test_the_best_is_the_smallest_of_a_loss(make_loop, tmp_path):
    progress = make_loop(epochs=5, monitor="val/loss", lr=1.0).fit()
    values = [value for _, value in logged(tmp_path)["val/loss"]]
    assert progress.best == min(values)
    assert progress.best_epoch == values.index(min(values)) + 1


def test_a_loss_that_explodes_stops_the_run_at_its_step(make_loop):
    with pytest.raises(NonFiniteLoss, match=r"not finite at step \d+: bce = "):
        make_loop([Term("bce", bce, weight=1e20)], lr=1e30, epochs=50).fit()


def test_weights_that_explode_are_not_saved(make_loop):
    saved = []
    loop = make_loop(save=lambda name, state: saved.append(name))
    with torch.no_grad():
        loop.step.model.weight.fill_(math.nan)
    with pytest.raises(NonFiniteLoss, match="not finite"):
        loop.fit()
    assert saved == []


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_only(make_loop):
    loop, again = make_loop(), make_loop()
    first = [batch["input"] for batch in loop.batches("train")]
    second = [batch["input"] for batch in again.batches("train")]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    again.progress.epoch = 1
    assert not torch.equal(first[0], next(iter(again.batches("train")))["input"])
    resumed = [batch["input"] for batch in loop.batches("train", start=3)]
    assert all(torch.equal(a, b) for a, b in zip(first[3:], resumed, strict=True))


def test_a_restored_loop_continues_exactly(make_loop):
    states = {}

    def keep(name, state):
        import copy

        if name == "last" and state["progress"]["epoch"] == 1:
            states.setdefault("first", copy.deepcopy(dict(state)))

    whole = make_loop(save=keep, checkpoint_every=1e-9)
    whole.fit()
    resumed = make_loop()
    resumed.restore(states["first"])
    resumed.fit()
    assert torch.equal(whole.step.model.weight, resumed.step.model.weight)
    assert whole.progress == resumed.progress
