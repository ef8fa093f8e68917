"""torch's elementwise optimizers on the weights of many runs, each with its own numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim.adam import adam

from ..losses.schedules import Schedule

_BLOCK = 2**18  # weights that are moved at a time, so that all that a step reads stays in cache
_KNOWN = ("SGD", "Adam", "AdamW")


class NotStackable(Exception):
    """The runs can't be trained together; the text says why."""


class Now(NamedTuple):
    """What one step needs beside weights, gradients and moments: of each run a number, `[K, 1]`."""

    lr: Tensor
    decay: Tensor
    momentum: Tensor
    beta1: Tensor
    beta2: Tensor
    bias1: Tensor
    bias2: Tensor

    def of(self, rows: slice) -> "Now":
        """The numbers of some runs."""
        return Now(*(numbers[rows] for numbers in self))


class StackedOptimizer:
    r"""SGD, Adam or AdamW of K runs, elementwise as torch's are.

    Args:
        kind: `SGD`, `Adam` or `AdamW`.
        groups: each run's options, as in the `param_groups` of torch's optimizer.
        rates: each run's learning rate, a number or a schedule over epochs.
        like: a weight, for its dtype and device.

    Raises:
        NotStackable: another optimizer, or an option that is not elementwise here.
    """

    def __init__(
        self,
        kind: str,
        groups: Sequence[Mapping[str, Any]],
        rates: Sequence[float | Schedule],
        like: Tensor,
    ) -> None:
        if kind not in _KNOWN:
            raise NotStackable(f"optimizer {kind} can't be stacked: sgd, adam and adamw can")
        self.kind = kind
        first = groups[0]
        for name in ("amsgrad", "maximize", "dampening"):
            if any(group.get(name) for group in groups):
                raise NotStackable(f"optimizer.{name} can't be stacked")
        for name in ("nesterov", "eps"):
            if any(group.get(name) != first.get(name) for group in groups):
                raise NotStackable(f"runs that differ in optimizer.{name} can't be stacked")

        def column(values: Sequence[float]) -> Tensor:
            return like.new_tensor(values).unsqueeze(1)

        self.rates = list(rates)
        self._column: Callable[[Sequence[float]], Tensor] = column
        self.decay = column([group.get("weight_decay", 0.0) for group in groups])
        self.momentum = column([group.get("momentum", 0.0) for group in groups])
        self.betas = tuple(
            column([group["betas"][i] if "betas" in group else 0.0 for group in groups])
            for i in (0, 1)
        )
        # Known here, because to ask a tensor would hold up every step.
        self._decays = any(group.get("weight_decay") for group in groups)
        self._has_momentum = any(group.get("momentum") for group in groups)
        self._scheduled = any(callable(rate) for rate in rates)
        self.nesterov = bool(first.get("nesterov"))
        self.eps = float(first.get("eps", 0.0))
        betas = {tuple(group["betas"]) for group in groups if "betas" in group}
        self._common_betas = betas.pop() if len(betas) == 1 else None
        self.steps = 0
        self._moved: Tensor | None = None
        self.moments: list[Tensor] = []
        self.lr = column([rate(0.0) if callable(rate) else rate for rate in rates])

    def keep(self, runs: Sequence[int]) -> None:
        """Go on with these runs only."""
        rows = list(runs)
        self.rates = [self.rates[row] for row in rows]
        self.decay, self.momentum, self.lr = self.decay[rows], self.momentum[rows], self.lr[rows]
        self.betas = tuple(beta[rows] for beta in self.betas)
        self.moments = [moment[rows] for moment in self.moments]
        self._moved = None

    def set_time(self, time: float) -> None:
        """Move the learning rates that follow a schedule."""
        if self._scheduled:
            self.lr = self._column([r(time) if callable(r) else r for r in self.rates])

    def update(self, weights: Tensor, gradients: Tensor, alive: Tensor | None = None) -> None:
        """Move the weights of the runs that are alive, `[K]`, in place; None is all of them."""
        now = self.advance(weights)
        if self.kind != "SGD" and self._common_betas is not None:
            self._fused_adam(weights, gradients, now, alive)
            return
        size = max(1, _BLOCK // weights.shape[1])
        for first in range(0, len(weights), size):
            rows = slice(first, first + size)
            moments = [moment[rows] for moment in self.moments]
            kept = None if alive is None else alive[rows]
            self.move(weights[rows], gradients[rows], now.of(rows), moments, kept)

    def advance(self, weights: Tensor) -> Now:
        """Count a step, and see that there are moments; the numbers of that step."""
        self.steps += 1
        if not self.moments and (self.kind != "SGD" or self._has_momentum):
            copies = 1 if self.kind == "SGD" else 2
            self.moments = [torch.zeros_like(weights) for _ in range(copies)]
        beta1, beta2 = bias1, bias2 = self.betas
        if self.kind != "SGD":
            bias1, bias2 = 1 - beta1**self.steps, (1 - beta2**self.steps).sqrt()
        return Now(self.lr, self.decay, self.momentum, beta1, beta2, bias1, bias2)

    def move(
        self,
        weights: Tensor,
        gradients: Tensor,
        now: Now,
        moments: Sequence[Tensor],
        alive: Tensor | None,
    ) -> None:
        """Move weights and moments in place: tensors only, so that it can be compiled."""
        gradients, now = _of_those(alive, gradients, now)
        if self.kind == "SGD":
            self._sgd(weights, gradients, now, moments)
        else:
            self._adam(weights, gradients, now, moments)

    def _fused_adam(
        self, weights: Tensor, gradients: Tensor, now: Now, alive: Tensor | None
    ) -> None:
        """What `move` does where only rates and decays differ: torch's own kernel moves a zero.

        It knows one learning rate, 1 here; each run's own then scales what came of it.
        """
        assert self._common_betas is not None
        gradients, now = _of_those(alive, gradients, now)
        if self._moved is None:
            self._moved = torch.empty_like(weights)
        moved, (first, second) = self._moved.zero_(), self.moments
        if self.kind == "Adam" and self._decays:
            gradients = torch.addcmul(gradients, weights, now.decay)
        beta1, beta2 = self._common_betas
        adam(
            [moved], [gradients], [first], [second], [], [weights.new_tensor(self.steps - 1.0)],
            foreach=False, fused=True, amsgrad=False, maximize=False,
            lr=1.0, beta1=beta1, beta2=beta2, weight_decay=0.0, eps=self.eps,
        )  # fmt: skip
        if self.kind == "AdamW" and self._decays:
            weights.mul_(1 - now.lr * now.decay)
        weights.addcmul_(moved, now.lr)

    def _sgd(self, w: Tensor, g: Tensor, now: Now, moments: Sequence[Tensor]) -> None:
        if self._decays:
            g = torch.addcmul(g, w, now.decay)
        for velocity in moments:
            velocity.mul_(now.momentum).add_(g)
            g = torch.addcmul(g, velocity, now.momentum) if self.nesterov else velocity
        w.addcmul_(g, now.lr, value=-1)

    def _adam(self, w: Tensor, g: Tensor, now: Now, moments: Sequence[Tensor]) -> None:
        first, second = moments
        if self.kind == "AdamW":
            w.mul_(1 - now.lr * now.decay)
        elif self._decays:
            g = torch.addcmul(g, w, now.decay)
        first.lerp_(g, 1 - now.beta1)
        second.mul_(now.beta2).addcmul_(g * (1 - now.beta2), g)
        root = second.sqrt().div_(now.bias2).add_(self.eps)
        w.sub_(first.div(root).mul_(now.lr / now.bias1))

    def state_of(
        self, run: int, sizes: Sequence[int], shapes: Sequence[torch.Size]
    ) -> dict[int, Any]:
        """One run's state as torch's optimizer keeps it, by parameter."""
        if not self.moments:
            return {}
        names = ("momentum_buffer",) if self.kind == "SGD" else ("exp_avg", "exp_avg_sq")
        state: dict[int, Any] = {}
        rows = [torch.split(moment[run], list(sizes)) for moment in self.moments]
        for index, shape in enumerate(shapes):
            state[index] = {
                name: row[index].reshape(shape).clone()
                for name, row in zip(names, rows, strict=True)
            }
            if self.kind != "SGD":
                state[index]["step"] = torch.tensor(float(self.steps))
        return state


def _of_those(alive: Tensor | None, gradients: Tensor, now: Now) -> tuple[Tensor, Now]:
    """Gradients and numbers of a step that leaves the runs where they are that are not alive."""
    if alive is None:
        return gradients, now
    kept = alive.unsqueeze(1)
    # Chosen, not multiplied: 0 times NaN is NaN.
    return torch.where(kept, gradients, 0), now._replace(lr=now.lr * kept)
