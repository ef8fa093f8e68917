"""Gradients by the input: of 64 samples in one call, beside those of each sample alone."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from ..analysis.attribution import (
    GRADIENT,
    Asked,
    Attribution,
    input_gradients,
    measure,
    samples_of,
    scores_of,
)
from ..analysis.attribution.picture import draw
from ..analysis.rebuild import in_use
from ..data.source import Batch
from ..training.answer import Answer, Finding, Trained
from ..training.step import EagerStep

_KINDS = ("loss", "logit", "probability")
_ROUNDS = 20


def answer(trained: Trained, *, samples: int = 64, steps: int = 256) -> Answer:
    """Whether each sample has its own gradient, whether its parts are complete, and what it costs.

    Args:
        trained: a classifier.
        samples: of the test data, the first.
        steps: of integrated gradients.
    """
    step = trained.loop.step
    assert isinstance(step, EagerStep)
    batch = samples_of(trained.source, "test", samples, trained.loop.device)
    found = measure(step, trained.source, Asked(samples=samples, steps=steps), trained.loop.end)
    errors = [_beside_alone(trained, step, batch, of) for of in _KINDS]
    incomplete = found.integrated.incomplete
    return Answer(
        (
            *errors,
            _plane(samples),
            Finding(
                "completeness_error",
                f"integrated gradients, {steps} steps: incomplete by",
                incomplete,
                "below 1 %",
                incomplete < 0.01,
            ),
            Finding("occlusion", "integrated gradients: with occlusion", found.agreement),
            Finding(
                "shuffled",
                "gradient: rank correlation with shuffled weights",
                found.sanity[GRADIENT],
                "below 0.5",
                found.sanity[GRADIENT] < 0.5,
            ),
            *(_cost(trained, step, batch, of) for of in ("logit", "loss")),
        ),
        (_plot(trained, found),),
        "No sample's answer depends on another's, so the gradient of the sum is each sample's own: "
        "one backward pass for all of them.",
    )


def _beside_alone(trained: Trained, step: EagerStep, batch: Batch, of: str) -> Finding:
    """The gradients in one call beside those of batches of one sample."""
    spec, own = trained.source.spec, in_use(step, trained.source.spec.main_output)
    scores = scores_of(own, batch, spec, of, time=trained.loop.end)
    together = input_gradients(scores, batch["input"])
    alone = []
    for row in range(len(together)):
        one = {name: tensor[row : row + 1] for name, tensor in batch.items()}
        x = one["input"].clone().requires_grad_()
        outputs, value = own.evaluate({**one, "input": x}, trained.loop.end)
        answer = outputs[spec.main_output]
        chosen = answer.argmax(1).item()
        number = {
            "loss": value.total,
            "logit": answer[0, int(chosen)],
            "probability": answer.softmax(1)[0, int(chosen)],
        }[of]
        alone.append(torch.autograd.grad(number, x)[0])
    error = _relative(together, torch.cat(alone))
    says = f"∂ {of} / ∂ input of {len(together)}: in one call, and one by one"
    return Finding(f"{of}_error", says, error, "below 1e-5", error < 1e-5)


def _plane(samples: int) -> Finding:
    """f(x, y) = x² sin y, whose derivative is (2 x sin y, x² cos y)."""
    points = torch.randn(
        samples, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    x, y = points.unbind(1)
    exact = torch.stack([2 * x * y.sin(), x**2 * y.cos()], 1)
    found = input_gradients(lambda p: p[:, 0] ** 2 * p[:, 1].sin(), points)
    error = _relative(found, exact)
    says = f"f: R² → R, {samples} points: and on paper"
    return Finding("plane_error", says, error, "below 1e-12", error < 1e-12)


def _relative(found: Tensor, exact: Tensor) -> float:
    return ((found - exact).abs().max() / exact.abs().max()).item()


def _cost(trained: Trained, step: EagerStep, batch: Batch, of: str) -> Finding:
    """The gradients of all samples, over a forward and backward pass of training."""
    own, end = in_use(step, trained.source.spec.main_output), trained.loop.end
    weights = list(own.parameters.values())
    asked = in_use(step, trained.source.spec.main_output)
    for parameter in asked.parameters.values():
        parameter.requires_grad_(False)
    scores = scores_of(asked, batch, trained.source.spec, of, time=end)

    def backward() -> None:
        torch.autograd.grad(own.compute(batch, end).total, weights)

    pairs = [
        (_seconds(lambda: input_gradients(scores, batch["input"])), _seconds(backward))
        for _ in range(_ROUNDS)
    ]
    ratio = median(ours / theirs for ours, theirs in pairs)
    says = f"time for the {of}, in backward passes of training"
    return Finding(f"{of}_cost", says, ratio, "at most 2", ratio <= 2)


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _plot(trained: Trained, found: Attribution) -> Path:
    path = trained.plot_path("attribution")
    draw(found).savefig(path, dpi=110)
    return path
