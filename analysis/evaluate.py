"""The task metrics of a trained run, on any split of its data, and where to cut its scores."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from ..data.source import Batch, SplitName
from ..errors import UserError
from ..training.loop import Loop
from ..training.metrics import Values, counted_in
from ..training.run import Parts
from ..training.trivial import trivial_metrics
from .threshold import Rule, Scored, Thresholded, apply, choose, scored


@dataclass(frozen=True)
class Evaluation:
    """What a run reaches, beside what a predictor reaches that ignores its input."""

    metrics: Values
    trivial: Values


def evaluate(parts: Parts, loop: Loop, split: SplitName) -> Evaluation:
    """Measure a run as it was rebuilt by `losslab.analysis.rebuild.restore`.

    Args:
        parts: of the run.
        loop: that evaluates it.
        split: which part of the data.

    Raises:
        UserError: an empty split.
    """
    check_split(parts, split)
    metrics = loop.evaluate(split)
    trivial = trivial_metrics(
        parts.source, loop.new_metrics(), parts.channels, split, parts.ignore_index
    )
    return Evaluation(metrics, trivial)


def cut(parts: Parts, loop: Loop, split: SplitName, rule: Rule) -> Thresholded:
    """Choose where the run's scores are cut into yes and no, and measure what comes of it.

    Args:
        parts: of the run.
        loop: that evaluates it.
        split: where it is measured.
        rule: how it is chosen, on the validation split.

    Raises:
        UserError: no yes or no is asked, or the threshold can't be chosen.
    """
    _check_yes_or_no(parts)
    check_split(parts, split)
    if rule.is_given:
        return apply(rule, _scored(loop, parts, split), None)
    _check_validation(parts, rule)
    if split == "val":
        raise UserError(
            f"--threshold {rule} is chosen on the val split, so it can't be judged there: "
            "leave --split out for test"
        )
    return apply(rule, _scored(loop, parts, split), _scored(loop, parts, "val"))


def chosen_cut(parts: Parts, loop: Loop, rule: Rule) -> float:
    """The score above which the run's answer is yes, chosen on its validation split.

    Args:
        parts: of the run.
        loop: that evaluates it.
        rule: how it is chosen.

    Raises:
        UserError: no yes or no is asked, or the threshold can't be chosen.
    """
    _check_yes_or_no(parts)
    if rule.is_given:
        return rule.score
    _check_validation(parts, rule)
    return choose(_scored(loop, parts, "val"), rule)


def _check_yes_or_no(parts: Parts) -> None:
    spec = parts.spec
    if spec.target != "binary" or spec.main_output not in parts.outputs:
        raise UserError(
            f"--threshold is for answers of yes or no: here the target is {spec.target}, which "
            "has no threshold"
        )


def _check_validation(parts: Parts, rule: Rule) -> None:
    if not parts.source.size("val"):
        raise UserError(
            f"--threshold {rule} is chosen on validation data, and there is none: train with "
            "data.val=0.15, or give the number"
        )


def check_split(parts: Parts, split: SplitName) -> None:
    """See that there is something to measure.

    Raises:
        UserError: the split is empty.
    """
    if not parts.source.size(split):
        raise UserError(f"the {split} split is empty")


def answers(parts: Parts, loop: Loop, split: SplitName) -> Iterator[tuple[Tensor, Batch]]:
    """The run's logits and the batch that they answer, batch by batch."""
    with loop.step.evaluating():
        for batch in loop.batches(split):
            outputs, _ = loop.step.evaluate(batch, loop.end)
            yield outputs[parts.spec.main_output], batch


def _scored(loop: Loop, parts: Parts, split: SplitName) -> Scored:
    """The split's scores, with what is left out left out."""
    logits, truths, counted = [], [], []
    for answer, batch in answers(parts, loop, split):
        logits.append(answer)
        truths.append(batch["target"])
        counted.append(counted_in(batch, batch["target"], parts.ignore_index))
    return scored(logits, truths, counted, parts.spec.dense)
