"""What the peers' scripts share: the clock, the data, the networks, and how a number is told."""

import os
import resource
import sys
import time

FEATURES, WIDTH, ROWS, BATCH, STEPS = 30, 64, 398, 32, 2000
MODE = sys.argv[1] if len(sys.argv) > 1 else "first"
STEP_THREADS = int(os.environ.get("BENCH_THREADS", "1"))


def tell(value: float) -> None:
    """Print the number and leave at once, so that no peer pays for its shutdown."""
    print(f"BENCH {value!r}", flush=True)
    os._exit(0)


def first_step_done() -> None:
    """Call after the first step; only the mode `first` listens."""
    if MODE == "first":
        tell(time.time())


def steps_done(seconds: float, steps: int) -> None:
    if MODE == "memory":
        tell(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    tell(seconds / steps)


def mlp():
    from torch import nn

    first, hidden = nn.Linear(FEATURES, WIDTH), nn.Linear(WIDTH, WIDTH)
    return nn.Sequential(first, nn.ReLU(), hidden, nn.ReLU(), nn.Linear(WIDTH, 1))


def table():
    import torch

    torch.set_num_threads(STEP_THREADS)
    torch.manual_seed(0)
    inputs = torch.randn(ROWS, FEATURES)
    return inputs, (inputs[:, :1] > 0).float()
