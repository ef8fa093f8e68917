"""Training alone, in a plain loop of runs: `python -m benchmarks.peers.sweep_alone RUNS [fused]`.

Prints the seconds of all runs, without validation and tracking.
"""

import sys
import time

import torch

from . import sweep

torch.set_num_threads(1)
runs, fused = int(sys.argv[1]), "fused" in sys.argv or None
data = sweep.table()
configurations = sweep.configurations(runs)
sweep.train(**configurations[0], data=data, fused=fused)  # what is done once
begin = time.perf_counter()
for configuration in configurations:
    sweep.train(**configuration, data=data, fused=fused)
print("BENCH", time.perf_counter() - begin)
