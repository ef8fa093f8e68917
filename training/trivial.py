"""What a predictor reaches that ignores its input: the mark that a trained model must beat."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..data.source import Source, SplitName
from .metrics import Metrics, Values

_BATCH = 256
_MOST_BATCHES = 64  # of the training data, to learn its constant from


def trivial_metrics(
    source: Source,
    metrics: Metrics,
    channels: int,
    split: SplitName = "test",
    ignore_index: int | None = None,
) -> Values:
    """The metrics of answering with one constant: the mean target, or the commonest class.

    Where the answer is an action, those of acting at random.

    Args:
        source: the data.
        metrics: empty task metrics, filled here.
        channels: of the model's answer.
        split: where the constant is judged.
        ignore_index: targets that do not count.
    """
    if metrics.judges == "nothing":
        return {}
    if metrics.judges == "episodes":
        for batch in source.following(None).batches(split, _BATCH):
            metrics.update({}, batch)
        return metrics.compute()
    name = metrics.judges
    total: Tensor | None = None
    count = 0
    for index, batch in enumerate(source.batches("train", _BATCH)):
        if index == _MOST_BATCHES:
            break
        target = source.spec.plain(batch[name]) if name == "target" else batch[name]
        indices = name == "target" and source.spec.target == "classes"
        if ignore_index is not None and name == "target":
            target = torch.where(target == ignore_index, -1 if indices else 0, target)
        if indices:
            target = target[target >= 0]
            target = torch.bincount(target.flatten(), minlength=channels)[None].double()
        total = target.double().sum(0) + (0 if total is None else total)
        count += len(batch[name])
    assert total is not None
    constant = total if indices else total / count
    for batch in source.batches(split, _BATCH):
        metrics.update(_answer(source, batch, constant, name, channels), batch)
    return metrics.compute()


def _answer(
    source: Source, batch: Mapping[str, Tensor], constant: Tensor, name: str, channels: int
) -> dict[str, Tensor]:
    size = len(batch[name])
    if name == "input":
        return {"reconstruction": constant.expand(size, *constant.shape)}
    spec, target = source.spec, source.spec.plain(batch["target"])
    if spec.target == "classes":
        spatial = target.shape[1:]
        scores = (constant / constant.sum()).log().reshape(1, channels, *[1] * len(spatial))
        return {"logits": scores.expand(size, channels, *spatial)}
    # The constant of each channel; a dense target's mean is taken over its pixels too.
    per_channel = constant.flatten(1).mean(1) if constant.ndim > 1 else constant
    shape = (1, -1, *[1] * (target.ndim - 2))
    if spec.target == "real":
        return {"prediction": per_channel.reshape(shape).expand(target.shape)}
    if channels != spec.outputs:  # a yes or no asked as two classes
        scores = torch.stack([1 - per_channel, per_channel], 1).log()
        return {"logits": scores.reshape(1, 2, *shape[2:]).expand(size, 2, *target.shape[2:])}
    return {"logits": per_channel.logit().reshape(shape).expand(target.shape)}
