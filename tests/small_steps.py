"""A step of a small model on rows of three numbers."""

import torch
from losslab.losses import Objective
from losslab.training.step import EagerStep


def step_of(model, terms, output, kind=EagerStep, optimizer=torch.optim.SGD, lr=0.1, **options):
    """A step of that kind, whose model answers with what `output` names."""
    objective = Objective(terms)
    objective.bind(("input", "target"), (output,), output)
    return kind(
        model,
        objective,
        optimizer(model.parameters(), lr=lr if isinstance(lr, float) else lr(0.0)),
        inputs=("input",),
        main_output=output,
        lr=lr,
        **options,
    )


def rows(target, n=6):
    """Batches of eight rows, and of what `target` makes of them."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(n):
        inputs = torch.randn(8, 3, generator=generator)
        yield {"input": inputs, "target": target(inputs)}
