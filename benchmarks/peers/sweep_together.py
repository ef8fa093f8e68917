"""Training alone, losslab's stacked step: the same runs as `sweep_alone`, as one program.

Prints the seconds of all runs, without validation and tracking, and with what the program needs to
be recorded. It has all cores, as a sweep takes them where that is faster. With `compiled`, the
seconds that torch's compiler takes are left out.
"""

import sys
import time

import torch
from losslab.losses import Objective, Term, bce
from losslab.training.heap import frozen_heap
from losslab.training.stacked_optimizer import StackedOptimizer
from losslab.training.vectorized import VectorizedStep

from . import sweep


def train(configurations, x, y, compiled):
    """All runs together; returns the seconds that it took."""
    begin = time.perf_counter()
    models, objectives, orders = [], [], []
    for configuration in configurations:
        torch.manual_seed(configuration["seed"])
        models.append(sweep.mlp())
        objectives.append(Objective([Term("bce", bce)]))
        objectives[-1].bind(["input", "target"], ["logits"], "logits")
        orders.append(torch.stack([torch.randperm(len(x)) for _ in range(sweep.EPOCHS)]))
    common = {"betas": (0.9, 0.999), "eps": 1e-8}
    groups = [{"weight_decay": c["weight_decay"], **common} for c in configurations]
    step = VectorizedStep(
        models,
        objectives,
        StackedOptimizer("AdamW", groups, [c["lr"] for c in configurations], x),
        inputs=["input"],
        main_output="logits",
        shared_batches=False,
    )
    order = torch.stack(orders)  # [runs, epochs, samples]
    if compiled:
        before = time.perf_counter()
        rows = order[:, 0, : sweep.BATCH]
        step.compile({"input": x[rows], "target": y[rows]})
        begin += time.perf_counter() - before
    with frozen_heap():  # as all runs are trained
        for epoch in range(sweep.EPOCHS):
            for number in range(sweep.STEPS):
                rows = order[:, epoch, number * sweep.BATCH : (number + 1) * sweep.BATCH]
                step.train({"input": x[rows], "target": y[rows]}, float(epoch))
    return time.perf_counter() - begin


(x, y), *_ = sweep.table()
configurations = sweep.configurations(int(sys.argv[1]))
train(configurations[:1], x, y, compiled=False)  # what is done once
print("BENCH", train(configurations, x, y, compiled="compiled" in sys.argv))
