"""A sweep of the small MLP as a whole command, start-up and tracking included.

Learning rate × weight decay × seed, batch 32, 300 steps (25 epochs of 12), each a tracked run.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RATES = ("1e-4", "3e-4", "1e-3", "3e-3", "1e-2", "3e-2", "1e-1", "3e-1")
DECAYS = ("0", "1e-4", "1e-3", "1e-2")
MLP = ("model=mlp", "trainer.batch_size=32", "trainer.epochs=25", "trainer.max_batches=12")


def grid(runs: int) -> list[str]:
    """The sweep of so many runs: eight learning rates, two or four weight decays, and seeds."""
    decays = DECAYS if runs >= 64 else DECAYS[:2]
    seeds = runs // (len(RATES) * len(decays))
    return [
        f"optimizer.lr={','.join(RATES)}",
        f"optimizer.weight_decay={','.join(decays)}",
        f"seed={','.join(map(str, range(seeds)))}",
    ]


def seconds(launcher: str, runs: int) -> float:
    """Of the whole command in an empty folder with a store that has its tables."""
    with tempfile.TemporaryDirectory() as here:
        code = "import mlflow; mlflow.MlflowClient('sqlite:///mlflow.db').search_experiments()"
        subprocess.run([sys.executable, "-c", code], cwd=here, check=True, capture_output=True)
        command = [sys.executable, "-m", "losslab", "train", "-q", "-m"]
        begin = time.perf_counter()
        subprocess.run(
            [*command, f"hydra/launcher={launcher}", *MLP, *grid(runs)],
            cwd=here,
            check=True,
            capture_output=True,
            env={**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{Path(here) / 'mlflow.db'}"},
        )
        return time.perf_counter() - begin
