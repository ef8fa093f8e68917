"""torch's optimizers without torch's compiler.

`torch.optim` marks some of its methods as not to be compiled, and at their first call imports the
whole compiler to do so: 74 MiB and most of a second, in runs that never compile. Here the marks are
set without it. Results are the same; what torch changes in its internals costs the saving alone.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer

_MARKED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def spare_the_compiler() -> None:
    """Mark the bookkeeping methods of every optimizer; call it before the first is made."""
    for name in _MARKED:
        method: Any = inspect.unwrap(getattr(Optimizer, name))
        if not hasattr(method, "__dynamo_disable"):
            method.__dynamo_disable = method


def stepper(optimizer: Optimizer) -> Callable[[], Any]:
    """`optimizer.step`; for torch's own optimizers the update alone, without its hooks."""
    step = inspect.unwrap(type(optimizer).step)
    if not type(optimizer).__module__.startswith("torch.optim."):
        return optimizer.step

    def update() -> None:
        with torch.no_grad():
            step(optimizer)

    return update
