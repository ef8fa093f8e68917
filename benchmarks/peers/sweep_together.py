"""Training alone, losslab's stacked step: the same runs as `sweep_alone`, as one program.

Prints the seconds of all runs, without validation and tracking, and with what the program needs to
be recorded. With `compiled`, the seconds that torch's compiler takes are left out.
"""

import sys
import time

import torch
from losslab.losses import Objective, Term, bce
from losslab.training.stacked_optimizer import StackedOptimizer
from losslab.training.vectorized import VectorizedStep

from . import sweep

torch.set_num_threads(1)
configurations = sweep.configurations(int(sys.argv[1]))
(x, y), *_ = sweep.table()
begin = time.perf_counter()
models, objectives, orders = [], [], []
for configuration in configurations:
    torch.manual_seed(configuration["seed"])
    models.append(sweep.mlp())
    objectives.append(Objective([Term("bce", bce)]))
    objectives[-1].bind(["input", "target"], ["logits"], "logits")
    orders.append(torch.stack([torch.randperm(len(x)) for _ in range(sweep.EPOCHS)]))
optimizer = StackedOptimizer(
    "AdamW",
    [
        {"weight_decay": c["weight_decay"], "betas": (0.9, 0.999), "eps": 1e-8}
        for c in configurations
    ],
    [configuration["lr"] for configuration in configurations],
    x,
)
step = VectorizedStep(
    models,
    objectives,
    optimizer,
    inputs=["input"],
    main_output="logits",
    shared_batches=False,
)
order = torch.stack(orders)  # [runs, epochs, samples]
if "compiled" in sys.argv:
    before = time.perf_counter()
    step.compile({name: t[order[:, 0, : sweep.BATCH]] for name, t in (("input", x), ("target", y))})
    begin += time.perf_counter() - before
for epoch in range(sweep.EPOCHS):
    for number in range(sweep.STEPS):
        rows = order[:, epoch, number * sweep.BATCH : (number + 1) * sweep.BATCH]
        step.train({"input": x[rows], "target": y[rows]}, float(epoch))
print("BENCH", time.perf_counter() - begin)
