"""Pong from its pixels; what a lost point does to the actions before it."""

from pathlib import Path

import torch
from torch import Tensor
from torch.func import functional_call

from ..losses import policy_gradient
from ..training.answer import Answer, Finding, Trained

_TRIED = 32  # single actions that are blamed, each from the same weights
_LR = 1e-3


def move_cost(logits: Tensor) -> Tensor:
    """The probability of moving at all; the first action stays."""
    return 1 - logits.softmax(1)[:, 0]


def answer(trained: Trained) -> Answer:
    """What frames are counted worth, and what an update makes of a lost point."""
    batch = next(trained.loop.batches("train"))
    gamma = trained.config["data"]["gamma"]
    gap = (batch["returns"].cpu() - discount_table(batch["reward"], gamma)).abs().max().item()
    lost, fell = blame(trained, batch)
    updates = trained.loop.progress.step
    return Answer(
        (
            Finding("frames", "frames seen for one update", float(len(batch["input"]))),
            Finding("updates", "updates", float(updates)),
            Finding("points", "points in these frames", float((batch["reward"] != 0).sum())),
            Finding("lost_points", "of which lost", float((batch["reward"] < 0).sum())),
            Finding(
                "discount_gap",
                "error against a discount table by hand",
                gap,
                "< 1e-5",
                gap < 1e-5,
            ),
            Finding(
                "blamed_share",
                f"of {lost} blamed actions, share made less likely",
                fell,
                "1",
                fell == 1,
            ),
            Finding("return", "mean return of the last games", trained.metrics["test/return"]),
        ),
        plots=(_draw(trained, batch),),
        conclusion="So few games make no player; they show that frames, discounts and updates are "
        "what they should be.",
    )


def discount_table(reward: Tensor, gamma: float) -> Tensor:
    """What each step is worth if every point begins anew, `[steps]`: by hand, backwards."""
    worth, later = [], 0.0
    for now in reversed(reward.tolist()):
        later = now if now else gamma * later
        worth.append(later)
    return torch.tensor(worth[::-1])


def blame(trained: Trained, batch: dict[str, Tensor]) -> tuple[int, float]:
    """How many actions before lost points were blamed, each alone, and the share that it harmed."""
    model = trained.model
    weights = {name: p.detach() for name, p in model.named_parameters()}
    lost = (batch["returns"] < 0).nonzero().squeeze(1)
    chosen = lost[torch.linspace(0, len(lost) - 1, min(_TRIED, len(lost))).long()]
    fell = 0
    for row in chosen.tolist():
        one = {name: tensor[row : row + 1] for name, tensor in batch.items()}

        def logits(weights: dict[str, Tensor], one: dict[str, Tensor] = one) -> Tensor:
            answer: Tensor = functional_call(model, weights, (one["input"],))
            return answer

        def loss(weights: dict[str, Tensor], one: dict[str, Tensor] = one) -> Tensor:
            return policy_gradient(logits(weights), one["action"], one["returns"]).sum()

        gradient = torch.func.grad(loss)(weights)
        after = {name: weight - _LR * gradient[name] for name, weight in weights.items()}
        action = one["action"].long()
        before, now = (logits(w).double().log_softmax(1)[0, action] for w in (weights, after))
        fell += int(now < before)
    return len(chosen), fell / max(1, len(chosen))


def _draw(trained: Trained, batch: dict[str, Tensor]) -> Path:
    """A frame that the policy sees, and what the frames of the first points are worth."""
    from matplotlib.figure import Figure

    frames, reward, returns = (
        batch[name].numpy(force=True) for name in ("input", "reward", "returns")
    )
    points = reward.nonzero()[0].tolist()
    shown = (points[3] if len(points) > 3 else len(reward) - 1) + 1
    figure = Figure(figsize=(9, 3), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.4))
    left.imshow(frames[shown // 2, 0], cmap="gray", vmin=-1, vmax=1)
    left.set_title("a frame minus the one before", fontsize=9)
    left.set_axis_off()
    right.plot(returns[:shown], color="C0", label="discounted, from point to point")
    ends = [point for point in points if point < shown]
    right.scatter(ends, reward[ends], color="C3", s=18, zorder=3, label="reward")
    right.axhline(0, color="0.6", linewidth=1)
    right.set_xlabel("frame")
    right.set_ylabel("worth")
    right.legend(frameon=False, fontsize=8)
    right.spines[["top", "right"]].set_visible(False)
    path = trained.plot_path("discount")
    figure.savefig(path, dpi=110)
    return path
