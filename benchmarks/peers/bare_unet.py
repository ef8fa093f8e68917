"""A bare PyTorch loop over losslab's own U-Net and data, with a dice loss written by hand."""

import os
import time

import torch
from losslab.data import small_targets
from losslab.models import UNet

from .common import MODE, first_step_done, steps_done

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "2")))
torch.manual_seed(0)
split = small_targets().splits["train"]
inputs, target = split["input"], split["target"].float()
model = UNet(1, 1)
if os.environ.get("BENCH_CHANNELS_LAST"):
    model.to(memory_format=torch.channels_last)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
batch = int(os.environ.get("BENCH_BATCH", "16"))
epochs = int(os.environ.get("BENCH_EPOCHS", "12" if MODE == "steps" else "3"))
begin, done = time.perf_counter(), 0
for _ in range(epochs):
    order = torch.randperm(len(inputs))
    for first in range(0, len(inputs), batch):
        rows = order[first : first + batch]
        optimizer.zero_grad()
        probability = model(inputs[rows]).sigmoid().flatten(1)
        truth = target[rows].flatten(1)
        overlap = 2 * (probability * truth).sum(1)
        loss = (1 - overlap / (probability.sum(1) + truth.sum(1) + 1e-7)).mean()
        loss.backward()
        optimizer.step()
        done += 1
        if MODE == "first":
            first_step_done()
steps_done(time.perf_counter() - begin, done)
