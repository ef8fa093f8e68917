"""A step whose terms are balanced."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...data.source import Batch
from ...errors import UserError
from ...losses.objective import ObjectiveValue
from ..proximal import ISTA
from ..step import EagerStep
from ..term_gradients import TermGradients
from .balance import Balance


class BalancedStep(EagerStep):
    """An eager step in which a balance decides how much each term brings to the gradient.

    What it tells of the loss, in training and validation, is the objective without the balance.

    Args:
        balance: of the objective's terms; terms it does not name keep their weight.

    Raises:
        ValueError: with an optimizer that evaluates the loss several times in a step or takes
            proximal steps, or in several processes.
    """

    def __init__(self, *arguments: Any, balance: Balance, **options: Any) -> None:
        if options.get("distributed"):
            raise ValueError(
                "balance looks at the gradients of one process: it can't be combined with several. "
                "Set balance=none, or train without torchrun"
            )
        super().__init__(*arguments, **options)
        if isinstance(self.optimizer, (torch.optim.LBFGS, ISTA)):
            called = type(self.optimizer).__name__.lower()
            raise ValueError(
                f"optimizer={called} minimises the sum of the terms as it stands: it can't be "
                "combined with balance. Set balance=none, or choose optimizer=adam"
            )
        self.balance = balance
        self._own = list(balance.parameters())
        if self._own:
            self.optimizer.add_param_group(
                {"params": self._own, "lr": balance.lr, "weight_decay": 0.0}
            )

    def compile(self) -> None:
        """See `EagerStep.compile`; each term may go back through the compiled model by itself."""
        from torch._functorch import config

        config.donated_buffer = False  # it would free what the next term's way back needs
        super().compile()

    def minimised(self, value: ObjectiveValue) -> Tensor:
        """See `EagerStep.minimised`."""
        balanced: Tensor = self.balance(value)
        rest = [c for name, c in value.contributions.items() if name not in self.balance.terms]
        return sum(rest, start=balanced)

    def flush(self) -> None:
        """See `Step.flush`."""
        if self._accumulated:
            for parameter in self._own:
                if parameter.grad is not None:
                    parameter.grad *= self.accumulate / self._accumulated
            super().flush()
            for parameter in self._own:
                parameter.grad = None

    def measures(self) -> dict[str, float]:
        """See `Step.measures`."""
        factors = self.balance.epoch_factors()
        return super().measures() | {f"balance/{name}": f for name, f in factors.items()}

    def is_finite(self) -> bool:
        """See `Step.is_finite`."""
        return super().is_finite() and all(bool(p.isfinite().all()) for p in self._own)

    def _term_gradients(self, batch: Batch, time: float) -> TermGradients:
        """With the balance's factors; before the surgery, where there is one."""
        factors = dict(zip(self.balance.terms, self.balance.factors().tolist(), strict=True))
        return {
            name: [None if part is None else factors.get(name, 1.0) * part for part in parts]
            for name, parts in super()._term_gradients(batch, time).items()
        }

    def state(self) -> dict[str, Any]:
        """See `Step.state`."""
        return {**super().state(), "balance": self.balance.state_dict()}

    def load(self, state: Mapping[str, Any]) -> None:
        """See `Step.load`."""
        if "balance" not in state:
            raise UserError(
                "the checkpoint is of a run without a balance: leave balance=none as it was, or "
                "start a new run"
            )
        super().load(state)
        self.balance.load_state_dict(state["balance"])
