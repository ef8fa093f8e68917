"""A balanced step beside the plain one, alone and in whole runs."""

import copy

import pytest
import torch
from losslab.cli.compose import compose_config, plain
from losslab.losses import Term, l1, l2_norm, mse
from losslab.training import checkpoint
from losslab.training.balance import GradNorm, PCGrad, Uncertainty
from losslab.training.balance.step import BalancedStep
from losslab.training.config import TrainerConfig
from losslab.training.distributed import World
from losslab.training.proximal import ISTA
from losslab.training.report import Report
from losslab.training.run import prepare, run
from losslab.training.step import EagerStep
from small_runs import config_of, metrics_in
from small_steps import rows, step_of
from torch import nn

KINDS = ["uncertainty", "grad_norm", "pcgrad"]


def make_step(model, kind=None, regulariser=0.0, **options):
    terms = [Term("mse", mse), Term("l1", l1, weight=3.0)]
    terms += [Term("l2", l2_norm, weight=regulariser)] if regulariser else []
    names = ["mse", "l1"]
    balances = {
        "uncertainty": lambda: Uncertainty(names),
        "grad_norm": lambda: GradNorm(names, model, alpha=0.5),
        "pcgrad": lambda: PCGrad(names, model),
    }
    if kind is not None:
        options |= {"kind": BalancedStep, "balance": balances[kind]()}
    return step_of(model, terms, "prediction", **options)


def batches(n=6):
    return rows(lambda inputs: inputs[:, :1] + inputs[:, 1:2].square(), n)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_tells_the_terms_as_they_are(kind):
    plain_step, balanced = make_step(network()), make_step(network(), kind)
    batch = next(batches())
    for one, other in zip(plain_step.train(batch, 0.0), balanced.train(batch, 0.0), strict=True):
        assert torch.equal(one, other)
    assert {"lr", "balance/mse", "balance/l1"} == set(balanced.measures())
    assert plain_step.measures() == {"lr": 0.1}


@pytest.mark.parametrize("kind", KINDS)
def test_what_looks_at_the_parameters_alone_keeps_its_weight(kind):
    """Its gradient adds to what the balance makes of the others."""
    without, beside = make_step(network(), kind), make_step(network(), kind, regulariser=0.7)
    before = network().state_dict()
    batch = next(batches())
    without.train(batch, 0.0)
    beside.train(batch, 0.0)
    for name, weight in beside.parameters.items():
        penalty = before[name].clone().requires_grad_()
        l2 = l2_norm({name: penalty}) if "weight" in name else None
        pull = torch.zeros_like(penalty)
        if l2 is not None:
            (pull,) = torch.autograd.grad(0.7 * l2.sum(), penalty)
        expected = without.parameters[name] - 0.1 * pull
        torch.testing.assert_close(weight.detach(), expected.detach())


@pytest.mark.parametrize("kind", KINDS)
def test_accumulated_twins_equal_one_batch(kind):
    """The mean of the same batch twice is that batch, for weights and for the balance's own."""
    twice, once = make_step(network(), kind, accumulate=2), make_step(network(), kind)
    for batch in batches():
        twice.train(batch, 0.0)
        assert not twice.between_updates
        twice.train(batch, 0.0)
        once.train(batch, 0.0)
    for one, other in zip(twice.parameters.values(), once.parameters.values(), strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(twice.balance.factors(), once.balance.factors())


def test_what_is_left_of_an_epoch_moves_the_balance_as_a_whole_batch_would():
    four, one = (
        make_step(network(), "uncertainty", accumulate=4),
        make_step(network(), "uncertainty"),
    )
    batch = next(batches())
    four.train(batch, 0.0)
    four.flush()
    one.train(batch, 0.0)
    torch.testing.assert_close(four.balance.log_variance, one.balance.log_variance)
    assert four.balance.log_variance.grad is None


def test_clipping_is_of_the_models_gradient_alone():
    model = network()
    step = make_step(model, "uncertainty", lr=1.0, clip_norm=1e-3)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    step.train(next(batches()), 0.0)
    moved = [p.detach() - b for p, b in zip(model.parameters(), before, strict=True)]
    assert nn.utils.get_total_norm(moved) == pytest.approx(1e-3, rel=1e-3)
    loss = make_step(network()).compute(next(batches()), 0.0).values["mse"].item()
    assert step.balance.log_variance[0].item() == pytest.approx(-0.01 * (0.5 - 0.5 * loss))


def test_its_learning_rate_is_its_own_and_weight_decay_leaves_it_alone():
    step = make_step(network(), "uncertainty", lr=lambda time: 0.5 / (1 + time))
    step.train(next(batches()), 1.0)
    model, own = step.optimizer.param_groups
    assert (model["lr"], own["lr"], own["weight_decay"]) == (0.25, 0.01, 0.0)
    assert step.learning_rate == 0.25


def test_gradient_shares_are_those_that_the_balance_leaves():
    model = network()
    step = make_step(model, "grad_norm", lr=0.0)
    step.objective.terms[1].weight = 30.0
    step.balance.alpha = 0.0
    batch = next(batches())
    for _ in range(300):
        step.train(batch, 0.0)
    found = step.gradient_measures(batch, 0.0)
    assert found["gradient_shares/mse/2"] == pytest.approx(0.5, abs=0.02)
    unbalanced = EagerStep.gradient_measures(make_step(network()), batch, 0.0)
    assert unbalanced["gradient_shares/mse/2"] != pytest.approx(0.5, abs=0.02)


def test_own_parameters_that_are_not_finite_are_noticed():
    step = make_step(network(), "uncertainty")
    assert step.is_finite()
    with torch.no_grad():
        step.balance.log_variance[0] = torch.inf
    assert not step.is_finite()


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_step_goes_on_exactly(kind):
    whole = make_step(network(), kind, optimizer=torch.optim.Adam, lr=0.01)
    given = list(batches())
    for batch in given[:3]:
        whole.train(batch, 0.0)
    state = copy.deepcopy(whole.state())
    resumed = make_step(network(), kind, optimizer=torch.optim.Adam, lr=0.01)
    resumed.load(state)
    for batch in given[3:]:
        whole.train(batch, 0.0)
        resumed.train(batch, 0.0)
    for name, tensor in whole.state()["model"].items():
        assert torch.equal(tensor, resumed.state()["model"][name]), name
    assert whole.measures() == resumed.measures()


@pytest.mark.parametrize(
    ("optimizer", "options", "message"),
    [
        (torch.optim.LBFGS, {}, "optimizer=lbfgs minimises the sum of the terms as it stands"),
        (ISTA, {}, "optimizer=ista minimises the sum of the terms as it stands"),
    ],
    ids=["lbfgs", "ista"],
)
def test_optimizers_that_need_the_sum_are_refused(optimizer, options, message):
    with pytest.raises(ValueError, match=message):
        make_step(network(), "pcgrad", optimizer=optimizer, **options)


def test_several_processes_are_refused():
    with pytest.raises(ValueError, match="balance looks at the gradients of one process"):
        make_step(network(), "pcgrad", distributed=True)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own
def test_each_term_goes_back_through_a_compiled_model():
    plain_step, compiled = make_step(network(), "pcgrad"), make_step(network(), "pcgrad")
    compiled.compile()
    for batch in batches(2):
        plain_step.train(batch, 0.0)
        compiled.train(batch, 0.0)
    torch.testing.assert_close(compiled.state()["model"], plain_step.state()["model"])


TWO_TERMS = ["loss=bce+focal", "loss.focal.weight=100"]


def prepared(*overrides):
    config = plain(compose_config(["model=mlp", *overrides]))
    return prepare(
        config, TrainerConfig(**config["trainer"]), torch.device("cpu"), World(), Report()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_balance_passes_preflight(kind):
    step = prepared(*TWO_TERMS, f"balance={kind}").step
    assert isinstance(step, BalancedStep)
    assert step.balance.terms == ("bce", "focal")


def test_without_a_balance_the_step_is_the_plain_one():
    step = prepared(*TWO_TERMS).step
    assert type(step) is EagerStep
    assert "balance" not in step.state()


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_ends_with_the_very_same_weights(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("losslab.training.record.Record.draw_plots", lambda self: [])
    folders = [tmp_path / name for name in ("whole", "parts")]
    for folder in folders:
        folder.mkdir()
    words = [*TWO_TERMS, f"balance={kind}", "trainer.max_batches=4", "optimizer=adam"]
    run(config_of(*words, "trainer.epochs=2"), folders[0])
    run(config_of(*words, "trainer.epochs=1"), folders[1])
    run(config_of(*words, "trainer.epochs=2"), folders[1], resume=True)
    whole, parts = (checkpoint.load(folder / "checkpoints" / "last.pt") for folder in folders)
    for part in ("model", "balance"):
        for name, tensor in whole[part].items():
            assert torch.equal(tensor, parts[part][name]), name
    one, other = (metrics_in(folder)["balance/focal", 8] for folder in folders)
    assert one == other


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_runs_in_half_precision(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("losslab.training.record.Record.draw_plots", lambda self: [])
    words = [*TWO_TERMS, f"balance={kind}", "trainer.precision=bf16", "trainer.max_batches=3"]
    result = run(config_of(*words), tmp_path)
    assert result.status == "FINISHED"
    assert all(weight.dtype == torch.float32 for weight in result.model.parameters())
