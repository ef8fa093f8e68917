r"""Proximal gradient steps, for objectives with a kink: their zeros are exact.

The objective is $f + g$, where $g$ is the sum of the terms that have a proximal step (`l1_norm`,
`elastic_net`, or a loss of one's own `with_prox`). Gradients are those of $f$ alone:

$$w \leftarrow \operatorname{prox}_{\eta g}\left(w - \eta \nabla f(w)\right)$$

It converges if the learning rate $\eta$ is at most $1/L$, where $L$ is the largest curvature of
$f$; for half the mean squared error of a linear model, the largest eigenvalue of $X^\top X / n$.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..data.source import Batch
from ..losses.objective import ObjectiveValue
from ..losses.proximal import prox_of
from ..losses.term import Term
from .step import EagerStep

Shrink = Callable[[float], None]


class ISTA(torch.optim.Optimizer):
    """Proximal gradient descent: a plain gradient step, then the proximal step of each term.

    Args:
        params: the model's parameters.
        lr: the step, at most one over the largest curvature of the smooth terms.

    References:
        Beck & Teboulle 2009, A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse
        Problems, eq. 3.1.
    """

    def __init__(self, params: Any, lr: float = 0.01) -> None:
        if lr <= 0:
            raise ValueError(f"lr must be positive; got {lr}")
        super().__init__(params, {"lr": lr})
        self.shrink: Shrink = lambda _: None  # the proximal steps of the terms, for a learning rate

    def look_ahead(self) -> None:
        """Move to the point where the gradient is to be taken: here, where the weights are."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # takes no closure
        """The gradient step and the proximal step."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.sub_(weight.grad, alpha=group["lr"])
        self.shrink(self.param_groups[0]["lr"])


class FISTA(ISTA):
    r"""ISTA with momentum: the gradient is taken ahead of the weights, in the direction they go.

    $$y = w_k + \frac{t_{k-1} - 1}{t_k} (w_k - w_{k-1}), \qquad
      w_{k+1} = \operatorname{prox}_{\eta g}(y - \eta \nabla f(y)), \qquad
      t_{k+1} = \frac{1 + \sqrt{1 + 4 t_k^2}}{2}$$

    Between steps the weights are $w$, with their zeros. The momentum starts anew whenever it points
    uphill. It is made for the gradient of all the data: with small batches take `ista`.

    Args:
        params: the model's parameters.
        lr: the step, at most one over the largest curvature of the smooth terms.

    References:
        Beck & Teboulle 2009, eq. 4.1 to 4.3. The restart: O'Donoghue & Candès 2015, Adaptive
        Restart for Accelerated Gradient Schemes, section 3.2.
    """

    @torch.no_grad()
    def look_ahead(self) -> None:
        """Move the weights on by the momentum, to where the gradient is to be taken."""
        for weight in self._weights():
            state = self.state[weight]
            here, before = weight.clone(), state.get("before")
            state["before"] = here
            if before is None:
                state["t"] = 1.0
            else:
                t = state["t"]
                state["t"] = (1 + (1 + 4 * t * t) ** 0.5) / 2
                weight.add_(here - before, alpha=(t - 1) / state["t"])

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """The steps of ISTA from the point ahead."""
        ahead = [weight.clone() for weight in self._weights()]
        super().step()
        uphill = sum(
            ((point - weight) * (weight - self.state[weight]["before"])).sum()
            for point, weight in zip(ahead, self._weights(), strict=True)
        )
        if uphill > 0:
            for weight in self._weights():
                self.state[weight]["t"] = 1.0

    def _weights(self) -> list[Tensor]:
        return [weight for group in self.param_groups for weight in group["params"]]


class ProximalStep(EagerStep):
    """An eager step whose optimizer takes the terms that have a proximal step by it.

    Their values are logged and validated like any other's.

    Raises:
        ValueError: no term has a proximal step, two move the same parameter, or gradients are to be
            clipped, which would move the solution.
    """

    optimizer: ISTA

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        called = f"optimizer={type(self.optimizer).__name__.lower()}"
        terms = self.objective.terms
        self.by_prox = [term for term in terms if prox_of(term.function) is not None]
        if not self.by_prox:
            raise ValueError(
                f"{called} takes proximal steps, and no term has one: there is "
                f"{', '.join(term.name for term in terms)}. Add l1_norm or elastic_net to the "
                "loss, or choose optimizer=sgd"
            )
        if self.clip_norm is not None:
            raise ValueError(f"{called} can't be combined with trainer.clip_norm: set it to null")
        _check_apart(self.by_prox, self.parameters, called)
        self.optimizer.shrink = self._shrink
        self._time = 0.0

    def compute(self, batch: Batch, time: float) -> ObjectiveValue:
        """The objective on one batch, whose gradient is that of the smooth terms alone."""
        value = super().compute(batch, time)
        shrunk = {term.name for term in self.by_prox}
        parts = value.contributions.items()
        total = torch.stack([c.detach() if name in shrunk else c for name, c in parts]).sum()
        return value._replace(total=total)

    def train(self, batch: Batch, time: float) -> Sequence[Tensor]:
        """See `Step.train`."""
        self._time = time
        if self.between_updates:
            self.optimizer.look_ahead()
        return super().train(batch, time)

    @torch.no_grad()
    def _shrink(self, lr: float) -> None:
        for term in self.by_prox:
            for name, moved in _moved(term, self.parameters, lr * term.weight_at(self._time)):
                if self.parameters[name].requires_grad:
                    self.parameters[name].copy_(moved)


def _moved(term: Term, parameters: Mapping[str, Tensor], step: float) -> Any:
    prox = prox_of(term.function)
    assert prox is not None
    return prox(parameters, step, **term.options).items()


@torch.no_grad()
def _check_apart(terms: Sequence[Term], parameters: Mapping[str, Tensor], called: str) -> None:
    """Raise unless each parameter is moved by one term: proximal steps don't add up."""
    owner: dict[str, str] = {}
    for term in terms:
        for name, _ in _moved(term, parameters, 0.0):
            if name in owner:
                raise ValueError(
                    f"{called}: {owner[name]} and {term.name} both move {name}, and proximal steps "
                    "don't add up: give each parameter to one of them by include and exclude, or "
                    "use elastic_net"
                )
            owner[name] = term.name
