"""Small losses on random data, whose curvature is measured; and matrices that are written down."""

import torch
from losslab.analysis.curvature import subject_of
from losslab.data import Spec, TensorSource
from losslab.losses import Objective, Term, cross_entropy, dice, l2_norm, mse, squared_hinge
from losslab.training.step import EagerStep
from torch import nn

ROWS = 12

# name: target kind, channels of the answer, terms
LOSSES = {
    "mse": ("real", 2, lambda: [Term("mse", mse)]),
    "cross_entropy": ("classes", 3, lambda: [Term("cross_entropy", cross_entropy)]),
    "squared_hinge": ("binary", 1, lambda: [Term("squared_hinge", squared_hinge)]),
    "dice": ("binary", 1, lambda: [Term("dice", dice, options={"per": "batch"})]),
    "regularised": (
        "classes",
        3,
        lambda: [
            Term("cross_entropy", cross_entropy, weight=0.7),
            Term("l2_norm", l2_norm, weight=0.3),
        ],
    ),
}


def mlp(channels, activation=nn.Tanh):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), activation(), nn.Linear(5, channels))


def source_for(target, channels, rows=ROWS):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(rows, 3, generator=generator)
    made = {
        "real": lambda: torch.randn(rows, channels, generator=generator),
        "classes": lambda: torch.randint(channels, (rows,), generator=generator),
        "binary": lambda: torch.randint(2, (rows, 1), generator=generator),
    }[target]()
    split = {"input": inputs, "target": made}
    empty = {name: tensor[:0] for name, tensor in split.items()}
    spec = Spec((3,), target, channels)
    return TensorSource(spec, {"train": split, "val": split, "test": empty})


def step_for(model, source, terms):
    objective = Objective(terms)
    name = source.spec.main_output
    objective.bind(("input", "target"), (name,), name)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return EagerStep(model, objective, optimizer, inputs=("input",), main_output=name, lr=0.1)


def subject_for(loss, *, double=True, time=0.0, rows=ROWS, model=None, samples=1024, split="train"):
    target, channels, terms = LOSSES[loss]
    source = source_for(target, channels, rows)
    step = step_for(model or mlp(channels), source, terms())
    return subject_of(step, source, split=split, samples=samples, time=time, double=double)


def in_batches(subject, size):
    """The same subject, with its samples in batches of that size."""
    from dataclasses import replace

    (batch,) = subject.batches
    names = list(batch)
    pieces = zip(*(torch.split(batch[name], size) for name in names), strict=True)
    return replace(subject, batches=[dict(zip(names, piece, strict=True)) for piece in pieces])


def symmetric(values, seed=0):
    """A matrix with these eigenvalues, and random eigenvectors."""
    values = torch.as_tensor(values, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    random = torch.randn(len(values), len(values), generator=generator, dtype=torch.float64)
    basis = torch.linalg.qr(random)[0]
    return (basis * values) @ basis.T
