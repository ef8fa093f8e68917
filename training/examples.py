"""A few of a run's answers beside what was asked, kept for the plots."""

from pathlib import Path

import torch

from ..data.source import SplitName
from ..data.spec import Spec
from .loop import Loop
from .record import EXAMPLES

_MOST_ROWS = 5000  # of one value each
_MOST_IMAGES = 16


def save_examples(spec: Spec, loop: Loop, run_dir: Path, split: SplitName) -> None:
    """Write inputs, targets and outputs of the first samples of a split to `examples.npz`."""
    import numpy as np

    if not loop.world.is_main or spec.acts:
        return  # of actions there is nothing to draw
    image = len(spec.input_shape) > 1
    kept: dict[str, list[torch.Tensor]] = {}
    rows = 0
    with loop.step.evaluating():
        for batch in loop.batches(split):
            outputs, _ = loop.step.evaluate(batch, loop.end)
            tensors = {**batch, **outputs}
            if "target" in tensors:
                tensors["target"] = spec.plain(tensors["target"])
            per_row = spec.dense or "reconstruction" in outputs
            most = _MOST_IMAGES if per_row else _MOST_ROWS
            for name in ("input", "target", spec.main_output, "reconstruction", "mu"):
                if name not in tensors or (name == "input" and not (image and per_row)):
                    continue
                kept.setdefault(name, []).append(tensors[name][: most - rows].float().cpu())
            rows += len(batch["input"])
            if rows >= most:
                break
    arrays = {name: torch.cat(parts).numpy() for name, parts in kept.items()}
    for name in ("target", "dense", "labels", "offset", "scale"):
        arrays[f"spec.{name}"] = np.asarray(getattr(spec, name))
    np.savez_compressed(run_dir / EXAMPLES, allow_pickle=False, **arrays)
