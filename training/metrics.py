"""Task metrics: the same for every loss, because values of different losses can't be compared.

Each metric is computed from sums that are added up batch by batch. They are written out here, and
tested against scikit-learn, because importing scikit-learn takes as long as importing torch and
half as much memory again.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from ..data.source import Batch
from ..data.spec import Spec, as_indices

Values = dict[str, float]


class Metrics(ABC):
    """Adds up what the metrics of one task need.

    Attributes:
        headline: the metric that sums up the task, and chooses the best checkpoint.
        judges: what answers are held against: the target, the input, or episodes they make.
    """

    headline: str
    judges: Literal["target", "input", "episodes", "nothing"] = "target"

    @abstractmethod
    def update(self, outputs: Mapping[str, Tensor], batch: Batch) -> None:
        """Add one batch."""

    @abstractmethod
    def compute(self) -> Values:
        """The metrics of all batches so far."""


def metrics_for(spec: Spec, outputs: Mapping[str, Tensor], ignore_index: int | None) -> Metrics:
    """The metrics that suit the data's target and what the model gives.

    A model that acts is judged by what its actions brought. One that gives neither `logits` nor
    `prediction` is judged by its `reconstruction`, or by the loss alone, and so is one that gives
    its own `target`, as the two sides of an equation.
    """
    if spec.acts:
        return Returns()
    if "target" in outputs:
        return NoMetrics()
    if spec.main_output in outputs:
        channels = outputs[spec.main_output].shape[1]
        if spec.target == "real":
            return Regression(spec)
        if spec.target == "classes" or channels != spec.outputs:
            return Classes(channels, spec.dense, ignore_index)
        return Binary(spec.outputs, spec.dense, ignore_index)
    return Reconstruction() if "reconstruction" in outputs else NoMetrics()


class NoMetrics(Metrics):
    """A task without a known answer: only the loss tells how it goes."""

    headline = "loss"
    judges = "nothing"

    def update(self, outputs: Mapping[str, Tensor], batch: Batch) -> None:
        """Nothing to add."""

    def compute(self) -> Values:
        """No metrics."""
        return {}


def counted_in(batch: Batch, target: Tensor, ignore_index: int | None) -> Tensor:
    """Which elements of the target count, shaped like it."""
    counts = torch.ones_like(target, dtype=torch.bool)
    if ignore_index is not None:
        counts &= target != ignore_index
    if "weight" in batch:
        from ..losses.reduction import align

        counts &= align(batch["weight"], target) != 0
    return counts


class Binary(Metrics):
    r"""Yes or no, for each of `labels` channels: from true and false positives and negatives.

    precision = TP / (TP + FP), recall = TP / (TP + FN), f1 = dice = 2TP / (2TP + FP + FN), iou = TP
    / (TP + FP + FN); over several labels, the mean of each label's. A ratio 0 / 0 is 0. Yes is a
    logit > 0. For one sample a row, `auroc` is the share of (positive, negative) pairs that the
    logits put in the right order, ties counting half.
    """

    def __init__(self, labels: int, dense: bool, ignore_index: int | None = None) -> None:
        self.headline = "dice" if dense else "f1"
        self.dense = dense
        self.ignore_index = ignore_index
        self.counts = torch.zeros(2, 2, labels, dtype=torch.int64)  # [target, answer, label]
        self.scores: list[tuple[Tensor, Tensor]] = []

    def update(self, outputs: Mapping[str, Tensor], batch: Batch) -> None:
        """Add one batch of logits and targets, `[batch, labels, ...]`."""
        logits, target = outputs["logits"], batch["target"].reshape(outputs["logits"].shape)
        counted = counted_in(batch, target, self.ignore_index)
        actual, answer = target > 0.5, logits > 0
        axes = [axis for axis in range(logits.ndim) if axis != 1]
        true_positive = (actual & answer & counted).sum(axes).cpu()
        positive = (actual & counted).sum(axes).cpu()
        answered = (answer & counted).sum(axes).cpu()
        everything = counted.sum(axes).cpu()
        self.counts[1, 1] += true_positive
        self.counts[1, 0] += positive - true_positive
        self.counts[0, 1] += answered - true_positive
        self.counts[0, 0] += everything - positive - answered + true_positive
        if not self.dense and logits.shape[1] == 1:
            self.scores.append((logits[counted].float().cpu(), actual[counted].cpu()))

    def compute(self) -> Values:
        """The metrics of all batches so far."""
        (tn, fp), (fn, tp) = self.counts.double()
        values = {
            "accuracy": _ratio(tp + tn, tp + tn + fp + fn),
            "precision": _ratio(tp, tp + fp),
            "recall": _ratio(tp, tp + fn),
        }
        overlap = _ratio(2 * tp, 2 * tp + fp + fn)
        if self.dense:
            return {"dice": overlap, "iou": _ratio(tp, tp + fp + fn), **values}
        values = {"f1": overlap, **values}
        if self.scores:
            values["auroc"] = auroc(*(torch.cat(part) for part in zip(*self.scores, strict=True)))
        return values


class Classes(Metrics):
    """One of several classes: from the confusion matrix.

    precision, recall, f1 and, for dense targets, dice and iou are means over the classes that occur
    in target or answer.
    """

    def __init__(self, classes: int, dense: bool, ignore_index: int | None = None) -> None:
        self.headline = "dice" if dense else "accuracy"
        self.classes = classes
        self.dense = dense
        self.ignore_index = ignore_index
        self.confusion = torch.zeros(classes, classes, dtype=torch.int64)  # [target, answer]

    def update(self, outputs: Mapping[str, Tensor], batch: Batch) -> None:
        """Add one batch of logits `[batch, classes, ...]` and indices `[batch, ...]` or one-hot."""
        answer = outputs["logits"].argmax(1)
        target = as_indices(batch["target"]).reshape(answer.shape)
        counted = counted_in(batch, target, self.ignore_index)
        pairs = target[counted].long() * self.classes + answer[counted]
        counts = torch.bincount(pairs, minlength=self.classes**2).cpu()
        self.confusion += counts.reshape(self.classes, self.classes)

    def compute(self) -> Values:
        """The metrics of all batches so far."""
        confusion = self.confusion.double()
        occurs = (confusion.sum(0) + confusion.sum(1)) > 0
        tp = confusion.diag()[occurs]
        answered, actual = confusion.sum(0)[occurs], confusion.sum(1)[occurs]
        accuracy = {"accuracy": _ratio(tp.sum(), confusion.sum())}
        overlap = _ratio(2 * tp, answered + actual)
        if self.dense:
            return {"dice": overlap, "iou": _ratio(tp, answered + actual - tp), **accuracy}
        rates = {"precision": _ratio(tp, answered), "recall": _ratio(tp, actual)}
        return {**accuracy, "f1": overlap, **rates}


class Regression(Metrics):
    """Real numbers, in the units of the data: rmse, mae and r2, means over the outputs.

    r2 = 1 − Σ(y − ŷ)² / Σ(y − ȳ)²: 0 is what predicting the mean reaches.
    """

    headline = "rmse"

    def __init__(self, spec: Spec) -> None:
        self.labels = spec.labels
        self.offset = torch.tensor(spec.offset).double()
        self.scale = torch.tensor(spec.scale).double()
        self.pairs: list[tuple[Tensor, Tensor]] = []

    def update(self, outputs: Mapping[str, Tensor], batch: Batch) -> None:
        """Add one batch of predictions and targets, `[batch, outputs, ...]`."""
        prediction = self.in_units(outputs["prediction"])
        self.pairs.append((prediction, self.in_units(batch["target"]).reshape(prediction.shape)))

    def in_units(self, values: Tensor) -> Tensor:
        """`[samples, outputs]` in the units of the data."""
        rows = values.detach().double().cpu().movedim(1, -1).reshape(-1, values.shape[1])
        return rows * self.scale + self.offset if len(self.scale) else rows

    def compute(self) -> Values:
        """The metrics of all batches so far."""
        prediction, target = (torch.cat(part) for part in zip(*self.pairs, strict=True))
        residual = target - prediction
        spread = (target - target.mean(0)).square().sum(0)
        r2 = 1 - residual.square().sum(0) / spread
        values = {
            "rmse": residual.square().mean(0).sqrt().mean().item(),
            "mae": residual.abs().mean().item(),
            "r2": torch.where(spread > 0, r2, 0.0).mean().item(),
        }
        if len(self.labels) > 1:
            each = residual.abs().mean(0).tolist()
            values |= {f"mae_{name}": value for name, value in zip(self.labels, each, strict=True)}
        return values


class Reconstruction(Metrics):
    """A model that gives its input back: mse, and r2 against answering with the mean input."""

    headline = "mse"
    judges = "input"

    def __init__(self) -> None:
        self.count = 0
        self.squared_error = 0.0
        self.sum: Tensor | float = 0.0
        self.sum_of_squares: Tensor | float = 0.0
        self.size = 1

    def update(self, outputs: Mapping[str, Tensor], batch: Batch) -> None:
        """Add one batch of reconstructions and inputs."""
        target = batch["input"].detach().double()
        answer = outputs["reconstruction"].detach().double()
        self.count += len(target)
        self.size = target[0].numel()
        self.squared_error += (answer - target).square().sum().item()
        self.sum = self.sum + target.sum(0)
        self.sum_of_squares = self.sum_of_squares + target.square().sum(0)

    def compute(self) -> Values:
        """The metrics of all batches so far."""
        total, squares = torch.as_tensor(self.sum), torch.as_tensor(self.sum_of_squares)
        spread = (squares - total.square() / self.count).sum().item()
        return {
            "mse": self.squared_error / (self.count * self.size),
            "r2": 1 - self.squared_error / spread if spread > 0 else 0.0,
        }


class Returns(Metrics):
    """What whole episodes brought: mean and spread of the undiscounted sum of their rewards.

    The batch gives `reward`, `terminated` and `truncated`, `[steps]`, one episode after the other.
    """

    headline = "return"
    judges = "episodes"

    def __init__(self) -> None:
        self.returns: list[Tensor] = []
        self.lengths: list[Tensor] = []

    def update(self, outputs: Mapping[str, Tensor], batch: Batch) -> None:
        """Add the episodes of one batch; what follows the last end is no whole one."""
        ends = (batch["terminated"] | batch["truncated"]).nonzero().squeeze(1)
        sums = batch["reward"].double().cumsum(0)[ends]
        for values, kept in ((sums, self.returns), (ends.double() + 1, self.lengths)):
            kept.append(values.diff(prepend=values.new_zeros(1)).cpu())

    def compute(self) -> Values:
        """The metrics of all batches so far."""
        returns, lengths = torch.cat(self.returns), torch.cat(self.lengths)
        mean = returns.mean()  # NaN where no episode came to its end
        spread = (returns - mean).square().mean().sqrt()
        return {
            "return": mean.item(),
            "spread": spread.item(),
            "length": lengths.mean().item(),
        }


def _ratio(numerator: Tensor, denominator: Tensor) -> float:
    """The mean of numerator / denominator, where 0 / 0 is 0."""
    return (numerator / denominator.clamp(min=1)).mean().item()


def auroc(scores: Tensor, positive: Tensor) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in the right order.

    Mann & Whitney 1947, through mid-ranks, so that ties count half.

    >>> auroc(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([False, False, True, True]))
    0.75

    Args:
        scores: `[samples]`.
        positive: `[samples]`, bool; if all or none are, the area is not defined and 0.5 is
            returned.
    """
    _, which, counts = torch.unique(scores, return_inverse=True, return_counts=True)
    mid_rank = counts.cumsum(0) - (counts - 1) / 2
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return 0.5
    rank_sum = mid_rank[which][positive].double().sum().item()
    return float((rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))
