"""The Hessian of a small network, by products with vectors, beside the whole matrix."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, grad, jacrev

from ..analysis.curvature import (
    FLAT,
    GAUSS_NEWTON,
    TOTAL,
    Asked,
    Curvature,
    Hessian,
    Matrix,
    Spectrum,
    Subject,
    dense,
    measure,
    subject_of,
)
from ..analysis.curvature.picture import draw
from ..analysis.curvature.trace import trace
from ..training.answer import Answer, Finding, Trained
from ..training.step import EagerStep, NamedModel

_SEEDS = 20  # of the trace, whose standard error is tried


def answer(trained: Trained, *, samples: int = 256) -> Answer:
    """The Hessian beside that of `torch.func`, and what is estimated beside its eigenvalues.

    Args:
        trained: of at most a few thousand weights.
        samples: of the training data, the first.
    """
    loop = trained.loop
    assert isinstance(loop.step, EagerStep)
    subject = subject_of(loop.step, trained.source, samples=samples, time=loop.end, double=True)
    exact, ours = exact_hessian(subject, trained.source.spec.main_output), dense(Hessian(subject))
    error = ((ours - exact).abs().max() / exact.abs().max()).item()
    found = measure(subject, Asked(method="estimated", slice="line"))
    return Answer(
        (
            Finding(
                "hessian_error",
                f"Hessian beside torch.func's, {subject.size:,} weights",
                error,
                "below 1e-8",
                error < 1e-8,
            ),
            *_estimates(found.spectra[TOTAL], torch.linalg.eigvalsh(exact)),
            _errors_of_traces(exact),
            *_sharpness(trained, found),
        ),
        (_plot(trained, found),),
        "A product with the Hessian is one backward pass through the graph of the gradient. A few "
        "hundred tell its ends, its trace and its density; only for small nets is it written down.",
    )


def _estimates(found: Spectrum, values: Tensor) -> tuple[Finding, ...]:
    """Each estimate beside what the exact eigenvalues, in ascending order, say."""
    from scipy.stats import wasserstein_distance

    top = values.flip(0)[: len(found.top)]
    gap = ((torch.tensor(found.top) - top) / top).abs().max().item()
    density = found.density
    moved = wasserstein_distance(density.nodes.flatten(), values, density.weights.flatten())
    apart = float(moved) / (values[-1] - values[0]).item()
    edge = FLAT * values.abs().max()
    return (
        Finding("top", "largest eigenvalue", found.top[0]),
        Finding(
            "top_gap",
            f"the {len(top)} largest beside the exact",
            gap,
            "at most 1e-3",
            gap <= 1e-3,
        ),
        Finding("trace", f"trace, ± {found.trace.error:.2g} (standard error)", found.trace.value),
        Finding(
            "density_error",
            "density: mass times distance from its place",
            apart,
            "below 0.01",
            apart < 0.01,
        ),
        Finding("negative", "share below −1 % of the largest", found.negative.value),
        Finding("negative_exact", "the same, counted", (values < -edge).double().mean().item()),
    )


def _errors_of_traces(matrix: Tensor) -> Finding:
    """Whether the standard errors of the trace are true, over many seeds."""
    estimates = [trace(Matrix(matrix), seed=seed) for seed in range(_SEEDS)]
    exact = matrix.trace().item()
    squares = [((estimate.value - exact) / estimate.error) ** 2 for estimate in estimates]
    size = (sum(squares) / len(squares)) ** 0.5
    return Finding(
        "trace_errors",
        f"error of {_SEEDS} traces, in standard errors",
        size,
        "about 1: 0.67 to 1.5",
        0.67 <= size <= 1.5,
    )


def _sharpness(trained: Trained, found: Curvature) -> tuple[Finding, ...]:
    """Where training began and ended, as its metrics have it, and how much of H the model bends."""
    lowest = found.spectra[GAUSS_NEWTON].lowest
    edge = FLAT * found.spectra[TOTAL].magnitude
    findings = [
        Finding(
            "gauss_newton_lowest",
            "lowest eigenvalue of Gauss–Newton",
            lowest,
            "not negative",
            lowest > -edge,
        )
    ]
    if "curvature/top" in trained.history:
        steps, tops = trained.history["curvature/top"]
        findings.append(Finding("first_top", f"largest eigenvalue after step {steps[0]}", tops[0]))
    return tuple(findings)


def _plot(trained: Trained, found: Curvature) -> Path:
    path = trained.plot_path("spectrum")
    draw(found.spectra, found.landscape).savefig(path, dpi=110)
    return path


def exact_hessian(subject: Subject, main_output: str) -> Tensor:
    """The whole matrix, the Jacobian of the gradient by `torch.func`; `[weights, weights]`."""
    step = subject.step
    named = NamedModel(step.model, main_output)

    def loss(weights: Mapping[str, Tensor]) -> Tensor:
        total = weights[next(iter(weights))].new_zeros(())
        for batch, share in zip(subject.batches, subject.shares, strict=True):
            inputs = [batch[name] for name in step.inputs]
            inside = {f"model.{name}": weight for name, weight in weights.items()}
            outputs = functional_call(named, inside, (inputs,))
            tensors: dict[str, Any] = {**batch, **outputs, "parameters": weights}
            total = total + share * step.objective.forward(tensors, subject.time).total
        return total

    weights = {name: weight.detach() for name, weight in subject.weights.items()}
    blocks = jacrev(grad(loss))(weights)
    rows = [
        torch.cat([blocks[a][b].reshape(weights[a].numel(), -1) for b in weights], 1)
        for a in weights
    ]
    return torch.cat(rows)
