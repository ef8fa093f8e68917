"""Precision against recall, over all thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # scores, truths, and how often each occurs

_REACH = 12.0  # log-odds beyond which scores are not told apart in a histogram
_STEPS = 64  # bins to one of log-odds
_EXACT = 2**22  # scores that are kept one by one


@dataclass(frozen=True)
class Curve:
    """Precision and recall of one label at falling thresholds, or of all labels pooled.

    Args:
        name: of the label; empty for all.
        recall: `[points]`.
        precision: `[points]`.
        share: of positives, the precision of answers that ignore the input.
        average: average precision, Σ (Rₙ − Rₙ₋₁) Pₙ.
        usual: recall and precision where yes is a probability above 0.5.
    """

    name: str
    recall: np.ndarray
    precision: np.ndarray
    share: float
    average: float
    usual: tuple[float, float]


class Questions:
    """Collects scores and truths of yes or no: exactly, or as histograms if they are many.

    Args:
        labels: how many kinds of question there are.
        dense: whether there is one for every pixel.
        samples: how many there will be.
    """

    def __init__(self, labels: int, *, dense: bool, samples: int) -> None:
        self.exact = not dense and labels * samples <= _EXACT
        self.kept: list[tuple[Tensor, Tensor, Tensor]] = []
        self._edges = torch.arange(-_REACH, _REACH + 1e-9, 1 / _STEPS, dtype=torch.float64)
        self.counts = torch.zeros(labels, len(self._edges) + 1, 2, dtype=torch.int64)

    def add(self, score: Tensor, truth: Tensor, label: Tensor) -> None:
        """Add questions: the log-odds of a yes, whether it is one, and its label; `[questions]`."""
        if self.exact:
            self.kept.append((score, truth, label))
            return
        _, bins, _ = self.counts.shape
        index = 2 * (bins * label + torch.bucketize(score, self._edges)) + truth
        self.counts += torch.bincount(index, minlength=self.counts.numel()).view_as(self.counts)

    def curves(self, names: Sequence[str] = ()) -> list[Curve]:
        """The curve of all questions, then those of the labels with a positive, worst first."""
        rows = self._rows()
        scores, truths, weights = (np.concatenate(part) for part in zip(*rows, strict=True))
        found: list[tuple[str, Rows]] = [("", (scores, truths, weights))]
        if len(rows) > 1:
            known = names if len(names) == len(rows) else [str(label) for label in range(len(rows))]
            found += zip(known, rows, strict=True)
        curves = [_curve(name, part) for name, part in found if (part[1] * part[2]).any()]
        return curves[:1] + sorted(curves[1:], key=lambda curve: curve.average)

    def _rows(self) -> list[Rows]:
        """Of each label."""
        if not self.exact:
            return [self._counted(counts) for counts in self.counts]
        score, truth, label = (torch.cat(part) for part in zip(*self.kept, strict=True))
        order = label.argsort(stable=True)
        sizes = torch.bincount(label, minlength=len(self.counts)).tolist()
        each = zip(torch.split(score[order], sizes), torch.split(truth[order], sizes), strict=True)
        return [(s.numpy(), t.numpy(), np.ones(len(s))) for s, t in each]

    def _counted(self, counts: Tensor) -> Rows:
        centre = torch.cat([self._edges, self._edges[-1:] + 1 / _STEPS]) - 0.5 / _STEPS
        kept, truth = counts.nonzero(as_tuple=True)
        return centre[kept].numpy(), truth.bool().numpy(), counts[kept, truth].numpy()


def _curve(name: str, rows: Rows) -> Curve:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    score, truth, weight = rows
    precision, recall, _ = precision_recall_curve(
        truth, score, sample_weight=weight, drop_intermediate=True
    )
    positives = (weight * truth).sum()
    yes = weight * (score > 0)
    hits = (yes * truth).sum()
    return Curve(
        name,
        recall,
        precision,
        float(positives / weight.sum()),
        float(average_precision_score(truth, score, sample_weight=weight)),
        (float(hits / positives), float(hits / max(yes.sum(), 1))),
    )
