"""A bare PyTorch script with a fused optimizer."""

import time

import torch

from .common import BATCH, MODE, ROWS, STEPS, first_step_done, mlp, steps_done, table

inputs, target = table()
model = mlp()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
loss_function = torch.nn.BCEWithLogitsLoss()
begin, done = time.perf_counter(), 0
while done < STEPS:
    order = torch.randperm(ROWS)
    for first in range(0, ROWS, BATCH):
        rows = order[first : first + BATCH]
        optimizer.zero_grad()
        loss = loss_function(model(inputs[rows]), target[rows])
        loss.backward()
        optimizer.step()
        done += 1
        if MODE == "first":
            first_step_done()
steps_done(time.perf_counter() - begin, done)
