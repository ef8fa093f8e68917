"""Products with the Hessian, beside torch.func's whole matrix and finite differences."""

from dataclasses import replace

import pytest
import torch
from losslab.analysis.curvature import Hessian, dense
from losslab.analysis.curvature.hessian import KeptGraphs
from losslab.analysis.curvature.subject import flat, unflat
from losslab.experiments.curvature import exact_hessian
from small_subjects import LOSSES, in_batches, mlp, subject_for


def exact(subject):
    output = "prediction" if "mse" in {t.name for t in subject.step.objective.terms} else "logits"
    return exact_hessian(subject, output)


@pytest.mark.parametrize("loss", LOSSES)
def test_it_is_the_exact_hessian(loss):
    subject = subject_for(loss)
    wanted = exact(subject)
    assert wanted.abs().max() > 1e-3
    error = (dense(Hessian(subject)) - wanted).abs().max() / wanted.abs().max()
    assert error < 1e-8


@pytest.mark.parametrize("loss", LOSSES)
def test_it_is_the_difference_of_gradients(loss):
    subject = subject_for(loss)
    vector = torch.randn(subject.size, dtype=torch.float64)
    (product,) = Hessian(subject).products(vector[None])
    start = [w.detach().clone() for w in subject.weights.values()]
    sides = []
    for sign in (1, -1):
        with torch.no_grad():
            moves = unflat(vector, subject.weights)
            for weight, origin, move in zip(subject.weights.values(), start, moves, strict=True):
                weight.copy_(origin + sign * 1e-5 * move)
        sides.append(Hessian(subject).gradient())
    difference = (sides[0] - sides[1]) / 2e-5
    torch.testing.assert_close(product, difference, rtol=1e-6, atol=1e-7)


def test_batches_of_unequal_size_make_the_same_matrix():
    whole = subject_for("regularised")
    parts = in_batches(whole, 5)
    assert [len(batch["input"]) for batch in parts.batches] == [5, 5, 2]
    torch.testing.assert_close(dense(Hessian(parts)), dense(Hessian(whole)))


@pytest.mark.parametrize("graph_bytes", [0, 2**30], ids=["rebuilt", "kept"])
def test_the_graphs_of_batches_are_kept_as_memory_allows(graph_bytes):
    parts = in_batches(subject_for("cross_entropy"), 5)
    hessian = Hessian(parts, graph_bytes=graph_bytes)
    hessian.products(torch.ones(2, parts.size, dtype=torch.float64))
    assert len(hessian._graphs._graphs) == (3 if graph_bytes else 0)
    torch.testing.assert_close(dense(hessian), dense(Hessian(parts)))


def test_as_many_graphs_are_kept_as_fit():
    weights = torch.ones(4, requires_grad=True)  # 16 bytes, kept by the square

    kept = KeptGraphs(lambda index: (weights * (index + 1)).square().sum(), 3, most=2 * 16)
    first = [kept(index) for index in range(3)]
    assert [kept(index) is graph for index, graph in enumerate(first)] == [True, True, False]


def test_terms_add_up_to_the_total():
    subject = subject_for("regularised")
    assert subject.terms == ["total", "cross_entropy", "l2_norm"]
    parts = [dense(Hessian(subject, name)) for name in subject.terms]
    torch.testing.assert_close(parts[0], parts[1] + parts[2])


def test_a_term_that_is_linear_in_the_weights_has_none():
    from losslab.analysis.curvature import subject_of
    from losslab.losses import Term
    from small_subjects import source_for, step_for

    source = source_for("real", 2)
    terms = [Term("linear", lambda parameters: sum(p.sum() for p in parameters.values()))]
    subject = subject_of(step_for(mlp(2), source, terms), source)
    assert not dense(Hessian(subject)).any()


def test_a_term_that_no_weight_reaches_has_none():
    from losslab.analysis.curvature import subject_of
    from losslab.losses import Term
    from small_subjects import source_for, step_for

    source = source_for("real", 2)
    terms = [Term("constant", lambda target: target.square())]
    subject = subject_of(step_for(mlp(2), source, terms), source)
    assert not dense(Hessian(subject)).any()


def test_weights_of_terms_are_those_of_the_time():
    from losslab.losses.schedules import Linear

    subject = subject_for("regularised")
    subject.step.objective.terms[1].weight = Linear(start=0.0, end=1.0, duration=10)
    early, late = (dense(Hessian(replace(subject, time=t), "l2_norm")) for t in (2.0, 4.0))
    assert early.any()
    torch.testing.assert_close(late, 2 * early)


def test_the_gradient_is_that_of_autograd():
    subject = subject_for("mse")
    wanted = torch.autograd.grad(subject.loss(0), list(subject.weights.values()))
    torch.testing.assert_close(Hessian(subject).gradient(), flat(wanted))
