"""A batch as rows, which is how metrics of other packages take it: see `custom_metrics`."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..data.source import Batch
from ..data.spec import Spec, as_indices
from .metrics import Classes, Metrics, Regression, counted_in

Rows = tuple[Tensor, Tensor, Tensor]
"""What was true, what was answered, and how sure (for real numbers, again)."""


def rows_of(
    task: Metrics,
    spec: Spec,
    outputs: Mapping[str, Tensor],
    batch: Batch,
    ignore_index: int | None,
) -> Rows:
    """Targets, answers and scores of the samples (pixels) that count, `[rows]` or `[rows, n]`.

    Of several labels those of a sample count together: one of which a label is ignored is left out.

    Args:
        task: the task's own metrics.
        spec: of the data.
        outputs: what the model gives.
        batch: the samples.
        ignore_index: targets that do not count.
    """
    if isinstance(task, Regression):
        prediction = task.in_units(outputs["prediction"])
        target = task.in_units(batch["target"]).reshape(prediction.shape)
        return _flat(target), _flat(prediction), _flat(prediction)
    logits = outputs["logits"].detach().float()
    if isinstance(task, Classes):
        answer = logits.argmax(1)
        target = as_indices(batch["target"]).reshape(answer.shape)
        counted = counted_in(batch, target, ignore_index).flatten().cpu()
        scores = logits.softmax(1).movedim(1, -1).reshape(-1, logits.shape[1])
        rows = (target.long().flatten(), answer.flatten(), scores)
    else:
        target = batch["target"].reshape(logits.shape)
        counted = _by_label(counted_in(batch, target, ignore_index)).all(1).cpu()
        rows = (
            _flat(_by_label(target > 0.5).long()),
            _flat(_by_label(logits > 0).long()),
            _flat(_by_label(logits.sigmoid())),
        )
    target, answer, score = (part.cpu()[counted] for part in rows)
    return target, answer, score


def made_up_rows(task: Metrics, spec: Spec) -> Rows:
    """Four answers for each class, three of them right.

    Args:
        task: the task's own metrics.
        spec: of the data.
    """
    count = task.classes if isinstance(task, Classes) else 2
    target = torch.arange(count).repeat(4)
    answer = torch.cat([target[: 3 * count], target[3 * count :].roll(1)])
    if isinstance(task, Classes):
        scores = torch.nn.functional.one_hot(answer, count).float() * 0.5 + 0.5 / count
        return target, answer, scores
    target, answer = (x[:, None].expand(-1, spec.outputs).contiguous() for x in (target, answer))
    if isinstance(task, Regression):
        return _flat(target.double() + 1), _flat(answer.double() + 1), _flat(answer.double() + 1)
    return _flat(target), _flat(answer), _flat(answer * 0.6 + 0.2)


def _by_label(values: Tensor) -> Tensor:
    """`[batch, labels, ...]` as `[rows, labels]`."""
    return values.movedim(1, -1).reshape(-1, values.shape[1])


def _flat(values: Tensor) -> Tensor:
    """A single column as a vector."""
    return values.squeeze(1) if values.shape[1] == 1 else values
