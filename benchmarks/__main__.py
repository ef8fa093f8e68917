"""All benchmarks, each as a ratio to its reference measured in turn with it: `make bench`.

The machines are shared and noisy, so commands are run in turn, A B C A B C …, and the figure is the
median of the ratios within each round.

    python -m benchmarks [ROUNDS] [help|first|mlp|unet|memory|losses|attribution|sweeps|curvature …]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

PYTHON = sys.executable
LOSSLAB = str(Path(PYTHON).with_name("losslab"))
ROOT = str(Path(__file__).parent.parent)
MLP = ["model=mlp", "optimizer.lr=0.001", "trainer.batch_size=32", "trainer.threads=1"]
MLP += ["trainer.epochs=154"]  # 13 steps each: 2,002
UNET = ["model=unet", "loss=dice", "trainer.batch_size=16", "trainer.threads=2"]
UNET += ["trainer.epochs=12"]


class Failed(Exception):
    """A peer that is not installed, or did not run."""


def peer(name: str, mode: str, *arguments: str, fresh: bool = False, **environment: str) -> float:
    """Run one peer's script and return its number; for `first`, seconds since it was started."""
    with tempfile.TemporaryDirectory() as folder:
        if not fresh:
            shutil.copy(STORE, f"{folder}/mlflow.db")
        command = [PYTHON, "-m", f"benchmarks.peers.{name}", mode, *arguments]
        variables = {**os.environ, "PYTHONPATH": ROOT, **environment}
        begin = time.time()
        answer = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, check=False
        )
        numbers = [
            line.split()[1] for line in answer.stdout.splitlines() if line.startswith("BENCH")
        ]
        if not numbers:
            raise Failed(answer.stderr.strip().splitlines()[-1:] or answer.stdout)
        time.sleep(0.5)  # a tracker of the run, if there was one, goes
        return float(numbers[0]) - (begin if mode == "first" else 0)


def wall(*command: str) -> float:
    """Seconds that a whole command takes."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def compare(
    title: str, unit: str, scale: float, rounds: int, rows: dict, target: str = "no target"
) -> dict[str, float]:
    """Measure every row in turn, `rounds` times, and print medians and ratios to the first.

    Returns:
        The median of each row that ran, in seconds or whatever it measures.
    """
    results: dict[str, list[float]] = {name: [] for name in rows}
    failures = {}
    for _ in range(rounds):
        for name, measure in rows.items():
            if name not in failures:
                try:
                    results[name].append(measure())
                except Failed as error:
                    failures[name] = str(error)
    (reference, *_) = rows
    table = Table("", unit, "ratio", "min to max", title=title, title_justify="left", box=None)
    for name, values in results.items():
        if name in failures:
            table.add_row(name, "", "", f"did not run: {failures[name]}")
            continue
        ratios = [v / r for v, r in zip(values, results[reference], strict=True)]
        median = statistics.median(values) * scale
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        table.add_row(name, f"{median:.3g}", f"{statistics.median(ratios):.3f}", spread)
    console.print(table)
    console.print(f"  {target}; n = {rounds} rounds in turn\n", style="dim")
    return {name: statistics.median(v) for name, v in results.items() if name not in failures}


def bench_help(rounds: int) -> None:
    compare(
        "losslab --help", "ms", 1e3, rounds,
        {
            "import typer, rich": lambda: wall(PYTHON, "-c", "import typer, rich.console"),
            "losslab --help": lambda: wall(LOSSLAB, "--help"),
        },
        "target ≤ 2",
    )  # fmt: skip


def bench_first(rounds: int) -> None:
    compare(
        "From command to first training step", "s", 1, rounds,
        {
            "bare script": lambda: peer("bare", "first"),
            "losslab train model=mlp": lambda: peer("losslab_", "first", *MLP),
            "losslab, fresh store": lambda: peer("losslab_", "first", *MLP, fresh=True),
            "Hydra + MLflow script": lambda: peer("hydra_mlflow", "first"),
            "Lightning": lambda: peer("lightning_", "first"),
            "Lightning + MLflow": lambda: peer("lightning_", "first", MLFLOW="1"),
            "Keras": lambda: peer("keras_", "first"),
            "skorch": lambda: peer("skorch_", "first"),
        },
        "target ≤ 1.25",
    )  # fmt: skip
    compare(
        "The same, with data generated and a step of the U-Net", "s", 1, rounds,
        {
            "bare script": lambda: peer("bare_unet", "first"),
            "losslab train model=unet": lambda: peer("losslab_", "first", *UNET),
        },
    )  # fmt: skip


def bench_mlp(rounds: int) -> None:
    compare(
        "A training step of a small MLP (batch 32, 2,000 steps)", "µs", 1e6, rounds,
        {
            "bare loop, fused optimizer": lambda: peer("bare", "steps"),
            "losslab, tracked": lambda: peer("losslab_", "steps", *MLP),
            "losslab, every step logged": lambda: peer(
                "losslab_", "steps", *MLP, "tracking.log_every=1"
            ),
            "Lightning": lambda: peer("lightning_", "steps"),
            "Lightning + MLflow": lambda: peer("lightning_", "steps", MLFLOW="1"),
            "Keras": lambda: peer("keras_", "steps"),
            "skorch": lambda: peer("skorch_", "steps"),
        },
        "target ≤ 1.10",
    )  # fmt: skip


def bench_unet(rounds: int) -> None:
    compare(
        "A training step of the U-Net (128 px, batch 16)", "ms", 1e3, rounds,
        {
            "bare loop, fused optimizer": lambda: peer("bare_unet", "steps"),
            "bare loop, channels_last": lambda: peer(
                "bare_unet", "steps", BENCH_CHANNELS_LAST="1"
            ),
            "losslab, tracked": lambda: peer("losslab_", "steps", *UNET),
        },
        "target ≤ 1.02",
    )  # fmt: skip


def bench_memory(rounds: int) -> None:
    for title, bare, arguments in (
        ("MLP", "bare", MLP),
        ("U-Net", "bare_unet", [*UNET, "trainer.epochs=3"]),
    ):
        compare(
            f"Peak memory of the training process, {title}", "MiB", 1, rounds,
            {
                "bare loop": lambda bare=bare: peer(bare, "memory"),
                "losslab": lambda arguments=arguments: peer("losslab_", "memory", *arguments),
            },
            "target ≤ 1.05",
        )  # fmt: skip


def bench_losses(rounds: int) -> None:
    from . import losses  # imports torch, which the other benchmarks leave to their peers

    for size, words in losses.SIZES.items():
        for loss in losses.COMPARED:
            timed, kept = losses.measures(loss, size, Failed)
            note = ", ".join(f"{name} {share:.2f}" for name, share in kept.items())
            compare(
                f"{loss}, forward and backward, {words}", "ms", 1e3, rounds, timed,
                f"bytes kept for the gradient, over the logits': {note}",
            )  # fmt: skip


def bench_attribution(rounds: int) -> None:
    from . import attribution

    for size in attribution.SIZES:
        compare(
            f"Input gradients of 64 samples, {size}", "ms", 1e3, rounds,
            attribution.measures(size), "target ≤ 2",
        )  # fmt: skip


def tried(measure: Callable[[], float]) -> Callable[[], float]:
    """Where it fails the table says so, and goes on."""

    def measured() -> float:
        try:
            return measure()
        except RuntimeError as error:
            raise Failed(str(error)) from error

    return measured


def bench_sweeps(rounds: int) -> None:
    from . import sweeps

    def rows(runs: int) -> dict[str, Callable[[], float]]:
        found = {
            "losslab": sweeps.ours("auto", runs),
            "losslab, vectorized": sweeps.ours("vectorized", runs),
            "losslab, basic": sweeps.ours("basic", runs),
            "losslab, joblib": sweeps.ours("joblib", runs),
            "Hydra + MLflow script, basic": sweeps.by_hand("basic", runs),
            "Hydra + MLflow script, joblib": sweeps.by_hand("joblib", runs),
            "Optuna's loop + MLflow": sweeps.searched("optuna", runs),
            "Ray Tune + MLflow": sweeps.searched("ray", runs),
        }
        if runs > sweeps.MOST_OF_ALL:  # minutes each, and as many times longer
            found = {name: found[name] for name in sweeps.LARGEST}
        return {name: tried(measure) for name, measure in found.items()}

    targets = {64: "targets ≥ 8 × basic, ≥ 6 × joblib", 256: "target ≥ 15 × basic"}
    curves: dict[str, dict[int, float]] = {}
    for runs in sweeps.SIZES:
        medians = compare(
            f"{runs} runs of the small MLP, the whole command", "s", 1, rounds, rows(runs),
            targets.get(runs, "no target"),
        )  # fmt: skip
        for name, seconds in medians.items():
            curves.setdefault(name, {})[runs] = seconds
    sweeps.draw(curves)


def bench_sweep_training(rounds: int) -> None:
    from . import sweeps

    compare(
        "64 runs of the small MLP, training alone", "s", 1, rounds,
        {
            "losslab, vectorized": tried(lambda: sweeps.alone("together", 64)),
            "the same, compiled before": tried(lambda: sweeps.alone("together", 64, "compiled")),
            "a plain loop of runs": tried(lambda: sweeps.alone("alone", 64)),
            "a plain loop, fused optimizer": tried(lambda: sweeps.alone("alone", 64, "fused")),
        },
        "target ≥ 20 × a plain loop",
    )  # fmt: skip


def bench_sweep_unets(rounds: int) -> None:
    from . import sweeps

    for size in sweeps.UNETS:
        compare(
            f"16 small U-Nets ({size}) on the CPU, the whole command", "s", 1, rounds,
            {
                "losslab": tried(sweeps.unets("auto", size)),
                "losslab, basic": tried(sweeps.unets("basic", size)),
            },
            "target ≥ 1.3 × basic",
        )  # fmt: skip


def bench_curvature(rounds: int) -> None:
    from . import curvature

    for size in curvature.SIZES:
        compare(
            f"A product with the Hessian of an MLP of 2 hidden layers, {size}", "µs", 1e6, rounds,
            curvature.measures(size, Failed), "targets: graph kept ≤ 2, and ≤ half of curvlinops",
        )  # fmt: skip


def make_store(path: Path) -> None:
    """A MLflow database with its tables, as any run after the first finds it."""
    code = "import mlflow, sys; mlflow.MlflowClient(tracking_uri=sys.argv[1]).search_experiments()"
    subprocess.run([PYTHON, "-c", code, f"sqlite:///{path}"], check=True, capture_output=True)


BENCHMARKS = {
    "help": bench_help,
    "first": bench_first,
    "mlp": bench_mlp,
    "unet": bench_unet,
    "memory": bench_memory,
    "sweeps": bench_sweeps,
    "sweep_training": bench_sweep_training,
    "sweep_unets": bench_sweep_unets,
    "losses": bench_losses,
    "attribution": bench_attribution,
    "curvature": bench_curvature,
}

console = Console(width=100, highlight=False)
arguments = sys.argv[1:]
n = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 5
with tempfile.TemporaryDirectory() as here:
    STORE = Path(here) / "mlflow.db"
    make_store(STORE)
    for chosen in arguments or BENCHMARKS:
        BENCHMARKS[chosen](n)
