"""The policy gradient over 2,908 actions, written in two ways."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.bandit import Bandit
from ..losses import policy_gradient
from ..training.answer import Answer, Finding, Trained


def as_cross_entropy(logits: Tensor, action: Tensor, advantage: Tensor) -> Tensor:
    """The actions that were taken as if they were labels, each weighted by what it brought."""
    return advantage.detach() * F.cross_entropy(logits, action, reduction="none")


def as_gradient(logits: Tensor, action: Tensor, advantage: Tensor) -> Tensor:
    r"""The gradient itself, $A\,(\pi - e_a)$, times the logits: no value worth looking at."""
    taken = F.one_hot(action, logits.shape[1]).to(logits.dtype)
    gradient = advantage.unsqueeze(1) * (logits.softmax(1) - taken)
    return (gradient.detach() * logits).sum(1)


def answer(trained: Trained) -> Answer:
    """Whether the gradients are the same, and what the policy brings."""
    forms = (as_cross_entropy, as_gradient, policy_gradient)
    batch = next(trained.loop.batches("test"))
    logits = trained.loop.step.evaluate(batch, trained.loop.end)[0]["logits"]
    values, gradients = {}, {}
    for form in forms:
        value = form(logits, batch["action"], batch["advantage"]).mean()
        values[form] = value.item()
        parts = torch.autograd.grad(value, list(trained.model.parameters()), retain_graph=True)
        gradients[form] = torch.cat([part.flatten() for part in parts])
    reference = gradients[as_gradient]
    gaps = {
        form: ((gradients[form] - reference).norm() / reference.norm()).item() for form in forms
    }
    reward = trained.metrics["test/return"]
    assert isinstance(trained.source, Bandit)
    size = trained.source.size("test")
    at_random = next(trained.source.following(None).batches("test", size))
    chance = at_random["reward"].mean().item()
    best = trained.source.best(at_random["input"]).mean().item()
    return Answer(
        (
            Finding("as_gradient_loss", "loss written as a gradient", values[as_gradient]),
            Finding("cross_entropy_loss", "as weighted cross-entropy", values[as_cross_entropy]),
            Finding(
                "gradient_gap",
                "relative distance of their gradients",
                gaps[as_cross_entropy],
                "< 1e-5",
                gaps[as_cross_entropy] < 1e-5,
            ),
            Finding(
                "library_gap",
                "and to that of loss=policy_gradient",
                gaps[policy_gradient],
                "< 1e-5",
                gaps[policy_gradient] < 1e-5,
            ),
            Finding("reward", "mean reward", reward, "> half of the best", reward > best / 2),
            Finding("chance", "that of acting at random", chance),
            Finding("best", "that of the best action", best),
        ),
        conclusion="The values differ, and mean nothing; the gradient is one and the same.",
    )
