"""Directories of runs as training leaves them, without training."""

import json
from pathlib import Path

import yaml
from losslab.training.journal import Journal


def config(seed: int = 1, lr: float = 0.01, **changes) -> dict:
    """A small resolved configuration; a change is a whole section."""
    return {
        "name": None,
        "seed": seed,
        "data": {"_target_": "losslab.data.digits", "split_seed": 0},
        "loss": {"bce": {"_target_": "losslab.losses.bce", "weight": 1.0}},
        "model": {"_target_": "losslab.models.MLP", "width": 8},
        "optimizer": {"_target_": "torch.optim.AdamW", "lr": lr},
        "trainer": {"epochs": 2, "checkpoint_every": 60.0},
        "tracking": {"enabled": False},
        **changes,
    }


def loss(name: str, **options) -> dict:
    return {name: {"_target_": f"losslab.losses.{name}", "weight": 1.0, **options}}


def keep_run(
    directory: Path, made_from: dict | None = None, value: float | None = 0.5, **summary
) -> Path:
    """A run whose `test/f1` is `value`; None for one that never got there."""
    directory.mkdir(parents=True)
    made_from = made_from or config()
    fingerprint = summary.pop("fingerprint", "f00d")
    curve = summary.pop("curve", [] if value is None else [value - 0.2, value - 0.1])
    (directory / "config.yaml").write_text(yaml.safe_dump(made_from))
    metrics = {} if value is None else {"test/f1": value, "test/loss": 1 - value}
    values = {
        "name": directory.name,
        "status": "FINISHED" if value is not None else "FAILED",
        "started": 1_700_000_000.0 + made_from["seed"],
        "monitor": "val/f1",
        "loss": "+".join(made_from["loss"]),
        "data": "digits",
        "metrics": metrics,
        "best": curve[-1] if curve else None,
        "best_epoch": 2 if curve else None,
        "reason": "" if value is not None else "NonFiniteLoss: the loss is not finite",
        **summary,
    }
    (directory / "run.json").write_text(json.dumps(values))
    journal = Journal(directory / "journal.jsonl")
    journal.start({}, {"data.name": values["data"], "data.fingerprint": fingerprint})
    for step, point in enumerate(curve, 1):
        journal.metrics([("val/f1", point, 10 * step), ("train/loss", 1 / step, 10 * step)])
    journal.close()
    return directory


def keep_sweep(
    runs_dir: Path, values: dict[float, list[float]], name: str = "sweep-aaaaaa"
) -> Path:
    """A sweep over learning rates: for each, the `test/f1` of seeds 1, 2, …"""
    for lr, of_seeds in values.items():
        for seed, value in enumerate(of_seeds, 1):
            keep_run(runs_dir / name / f"bce-mlp-{lr:g}-{seed}", config(seed, lr), value)
    return runs_dir / name
