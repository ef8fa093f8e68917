"""The task metrics of a trained run, on any split of its data, and where to cut its scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.source import SplitName
from ..errors import UserError
from ..training.loop import Loop
from ..training.metrics import Values, counted_in
from ..training.run import Parts
from ..training.trivial import trivial_metrics
from .rebuild import restore
from .threshold import Rule, Scored, Thresholded, apply, scored


@dataclass(frozen=True)
class Evaluation:
    """What a run reaches, beside what a predictor reaches that ignores its input."""

    metrics: Values
    trivial: Values


def evaluate(
    config: Mapping[str, Any], run_dir: Path, split: SplitName, which: str = "best"
) -> Evaluation:
    """Rebuild the run from its configuration and checkpoint, and measure it.

    Args:
        config: the run's configuration.
        run_dir: its directory.
        split: which part of the data.
        which: the checkpoint, `best` or `last`.

    Raises:
        UserError: no such checkpoint, one of another model, or an empty split.
    """
    parts, loop = restore(config, run_dir, which)
    if not parts.source.size(split):
        raise UserError(f"the {split} split is empty")
    metrics = loop.evaluate(split)
    trivial = trivial_metrics(
        parts.source, loop.new_metrics(), parts.channels, split, parts.ignore_index
    )
    return Evaluation(metrics, trivial)


def cut(
    config: Mapping[str, Any], run_dir: Path, split: SplitName, rule: Rule, which: str = "best"
) -> Thresholded:
    """Choose where the run's scores are cut into yes and no, and measure what comes of it.

    Args:
        config: the run's configuration.
        run_dir: its directory.
        split: where it is measured.
        rule: how it is chosen, on the validation split.
        which: the checkpoint, `best` or `last`.

    Raises:
        UserError: no yes or no is asked, or the threshold can't be chosen.
    """
    parts, loop = restore(config, run_dir, which)
    spec = parts.spec
    if spec.target != "binary" or spec.main_output not in parts.outputs:
        raise UserError(
            f"--threshold is for answers of yes or no: here the target is {spec.target}, which "
            "has no threshold"
        )
    if rule.is_given:
        return apply(rule, _scored(loop, parts, split), None)
    if not parts.source.size("val"):
        raise UserError(
            f"--threshold {rule} is chosen on validation data, and there is none: train with "
            "data.val=0.15, or give the number"
        )
    if split == "val":
        raise UserError(
            f"--threshold {rule} is chosen on the val split, so it can't be judged there: "
            "leave --split out for test"
        )
    return apply(rule, _scored(loop, parts, split), _scored(loop, parts, "val"))


def _scored(loop: Loop, parts: Parts, split: SplitName) -> Scored:
    """The split's scores, with what is left out left out."""
    if not parts.source.size(split):
        raise UserError(f"the {split} split is empty")
    logits, truths, counted = [], [], []
    with loop.step.evaluating():
        for batch in loop.batches(split):
            outputs, _ = loop.step.evaluate(batch, loop.end)
            logits.append(outputs["logits"])
            truths.append(batch["target"])
            counted.append(counted_in(batch, batch["target"], parts.ignore_index))
    return scored(logits, truths, counted, parts.spec.dense)
