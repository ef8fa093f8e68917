"""Sweeps as whole commands, start-up and tracking included, beside what one would write by hand.

Learning rate × weight decay × seed of the small MLP, batch 32, 300 steps (25 epochs of 12), each a
tracked run in a store that has its tables already.
"""

import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from .peers import sweep

ROOT = str(Path(__file__).parent.parent)
CURVE = Path(__file__).with_name("sweeps.png")
SIZES = (1, 4, 16, 64, 256)
MOST_OF_ALL = 64  # runs up to which every peer is measured
LARGEST = ("losslab", "losslab, basic", "Hydra + MLflow script, basic")
MLP = ("model=mlp", "trainer.batch_size=32", "trainer.epochs=25", "trainer.max_batches=12")
UNETS = {  # 300 steps of 10 ms, and 20 of 95 ms
    "32 px": ("data.size=32", "trainer.epochs=30"),
    "128 px": ("data.size=128", "trainer.epochs=2"),
}
UNET_SWEEP = ("optimizer.lr=1e-4,3e-4,1e-3,3e-3", "seed=0,1,2,3")
TRAIN = (sys.executable, "-m", "losslab", "train", "-q", "-m")
Measure = Callable[[], float]


def grid(runs: int) -> list[str]:
    """The sweep of so many runs, as overrides."""
    return [
        f"{key}={','.join(f'{value:g}' for value in values)}"
        for key, values in sweep.grid(runs).items()
    ]


def ours(launcher: str, runs: int) -> Measure:
    """losslab, with the launcher given."""
    names = {"lr": "optimizer.lr", "weight_decay": "optimizer.weight_decay", "seed": "seed"}
    own = [word.replace(key, names[key], 1) for word in grid(runs) for key in [word.split("=")[0]]]
    return functools.partial(whole, *TRAIN, f"hydra/launcher={launcher}", *MLP, *own)


def by_hand(launcher: str, runs: int) -> Measure:
    """A script of Hydra and MLflow, with the launcher given."""
    command = (sys.executable, "-m", "benchmarks.peers.sweep_hydra", "-m")
    return functools.partial(whole, *command, f"hydra/launcher={launcher}", *grid(runs))


def searched(engine: str, runs: int) -> Measure:
    """Optuna's own loop, or Ray Tune."""
    return functools.partial(
        whole, sys.executable, "-m", f"benchmarks.peers.sweep_{engine}", str(runs)
    )


def unets(launcher: str, size: str) -> Measure:
    """Sixteen small U-Nets with losslab, ten batches an epoch."""
    unet = ("model=unet", "loss=dice", "trainer.max_batches=10", *UNETS[size])
    return functools.partial(whole, *TRAIN, f"hydra/launcher={launcher}", *unet, *UNET_SWEEP)


def whole(*command: str) -> float:
    """Seconds of the command in an empty folder with a store.

    Raises:
        RuntimeError: it failed; the text is the last that it said.
    """
    with tempfile.TemporaryDirectory() as here:
        shutil.copy(_store(), here)
        uri = f"sqlite:///{Path(here) / 'mlflow.db'}"
        variables = {**os.environ, "PYTHONPATH": ROOT, "MLFLOW_TRACKING_URI": uri}
        begin = time.perf_counter()
        answer = subprocess.run(
            command, cwd=here, env=variables, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - begin
        if answer.returncode:
            raise RuntimeError((answer.stderr.strip().splitlines() or ["no word"])[-1])
        _see_all_finished(Path(here), command)
        return seconds


def alone(script: str, runs: int, *words: str) -> float:
    """Seconds of training alone, without start-up, validation and tracking.

    Args:
        script: `alone`, a plain loop of runs; or `together`, losslab's stacked step.
        runs: how many.
        words: `fused` or `compiled`.

    Raises:
        RuntimeError: it failed; the text is the last that it said.
    """
    answer = subprocess.run(
        [sys.executable, "-m", f"benchmarks.peers.sweep_{script}", str(runs), *words],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in answer.stdout.splitlines() if line.startswith("BENCH")]
    if not lines:
        raise RuntimeError((answer.stderr.strip().splitlines() or ["no word"])[-1])
    return float(lines[-1].split()[1])


def draw(curves: Mapping[str, Mapping[int, float]], path: Path = CURVE) -> None:
    """Seconds per run over the number of runs, one line a row of the table."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4), layout="constrained")
    for name, curve in curves.items():
        sizes = sorted(curve)
        axes.plot(sizes, [curve[size] / size for size in sizes], marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="runs in the sweep", ylabel="seconds per run")
    axes.set_xticks(SIZES, [str(size) for size in SIZES])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    axes.set_title("The whole command, start-up and tracking included", loc="left", fontsize=10)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def _see_all_finished(here: Path, command: tuple[str, ...]) -> None:
    """See that the store holds every run as finished: a sweep that failed is no fast sweep."""
    with closing(sqlite3.connect(here / "mlflow.db")) as database:
        states = {status for (status,) in database.execute("SELECT status FROM runs")}
    if states != {"FINISHED"}:
        raise RuntimeError(f"not all runs are finished in the store: {' '.join(command)}")


@functools.cache
def _store() -> Path:
    """A MLflow database with its tables, as any run after the first finds it."""
    folder = Path(tempfile.mkdtemp())
    code = "import mlflow; mlflow.MlflowClient('sqlite:///mlflow.db').search_experiments()"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
    return folder / "mlflow.db"
