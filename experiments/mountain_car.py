"""Advantage actor-critic with a Gaussian policy, on MountainCarContinuous."""

import torch

from ..losses.term import Term
from ..training.answer import Answer, Finding, Trained

SOLVED = 90.0  # the mean return at which Gymnasium calls MountainCarContinuous-v0 solved


def answer(trained: Trained) -> Answer:
    """What the car reaches, and whose mu and sigma the loss sees."""
    mean = trained.metrics["test/return"]
    episodes = trained.source.size("test")
    actor = _actor(trained)
    gap = sigma_gap(trained)
    return Answer(
        (
            Finding(
                "return",
                f"mean return over {episodes} episodes",
                mean,
                f"≥ {SOLVED:g}",
                mean >= SOLVED,
            ),
            Finding("spread", "its standard deviation", trained.metrics["test/spread"]),
            Finding("asked", "the policy's loss asks for", ", ".join(actor.sources.values())),
            Finding(
                "sigma_gap",
                "error of its gradient by log σ",
                gap,
                "< 1e-4",
                gap < 1e-4,
            ),
        ),
        conclusion="Its gradient by log σ is A(1 − ((a − μ)/σ)²), for the mu and sigma that the "
        "model gives in this very forward pass; action and advantage are numbers, and take none.",
    )


def sigma_gap(trained: Trained) -> float:
    """Relative distance of the actor's gradient by log σ from its closed form, on one batch."""
    batch = next(trained.loop.batches("train"))
    outputs, value = trained.loop.step.evaluate(batch, trained.loop.end)
    (found,) = torch.autograd.grad(value.values[_actor(trained).name], [outputs["log_sigma"]])
    z = ((batch["action"] - outputs["mu"]) / outputs["log_sigma"].exp()).detach()
    expected = -batch["advantage"].unsqueeze(1) * (z.square() - 1) / len(z)
    gap = (found - expected).norm() / expected.norm()
    return float(gap)


def _actor(trained: Trained) -> Term:
    return next(term for term in trained.objective.terms if "advantage" in term.sources)
