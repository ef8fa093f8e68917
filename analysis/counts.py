"""Right and wrong answers of yes or no, counted: the metrics, and how sure they are."""

import torch
from torch import Tensor

from .statistics import LEVEL

_RESAMPLES = 2000
_ELEMENTS = 2**24  # of a table of resamples that is held at once


def rates(counts: Tensor, dense: bool) -> dict[str, Tensor]:
    """The metrics of true and false positives, false and true negatives, `[..., 4]`."""
    tp, fp, fn, tn = counts.unbind(-1)
    overlap = _ratio(2 * tp, 2 * tp + fp + fn)
    found = {"dice": overlap, "iou": _ratio(tp, tp + fp + fn)} if dense else {"f1": overlap}
    return {
        **found,
        "accuracy": _ratio(tp + tn, counts.sum(-1)),
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
    }


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    return numerator / denominator.clamp(min=1)


def intervals(counts: Tensor, dense: bool) -> dict[str, tuple[float, float]]:
    """A 95 % interval of each metric at a fixed cut; see `METHODS` for which kind.

    Args:
        counts: see `Scored.counts`.
        dense: whether a sample has many elements.
    """
    found = _bootstrap(counts, dense)
    if not dense:
        tp, fp, fn, tn = (int(count) for count in counts.sum(0))
        found |= {
            "accuracy": clopper_pearson(tp + tn, tp + fp + fn + tn),
            "precision": clopper_pearson(tp, tp + fp),
            "recall": clopper_pearson(tp, tp + fn),
        }
    return found


METHODS = {
    False: "95 % intervals: Clopper–Pearson; f1: percentiles of 2,000 bootstrap resamples",
    True: "95 % intervals: percentiles of 2,000 bootstrap resamples of whole images",
}
"""How intervals are made, for one element a sample and for dense targets."""


def clopper_pearson(hits: int, n: int) -> tuple[float, float]:
    """The exact 95 % interval of a share: Clopper & Pearson 1934, through beta quantiles.

    >>> low, high = clopper_pearson(9, 10)
    >>> f"{low:.3f} … {high:.3f}"
    '0.555 … 0.997'
    """
    from scipy.stats import beta

    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def resampled(sums: Tensor) -> Tensor:
    """The sums over 2,000 bootstrap resamples of the samples, always the same ones (Efron 1979).

    Args:
        sums: what each sample adds, `[samples, columns]`.

    Returns:
        `[2000, columns]`, float64.
    """
    import numpy as np

    generator = np.random.default_rng(0)
    n = len(sums)
    at_once = max(1, _ELEMENTS // n)
    drawn = []
    for first in range(0, _RESAMPLES, at_once):
        size = min(at_once, _RESAMPLES - first)
        chosen = (generator.integers(n, size=n) for _ in range(size))
        times = np.stack([np.bincount(rows, minlength=n) for rows in chosen])
        drawn.append(torch.from_numpy(times).double() @ sums.double())
    return torch.cat(drawn)


def percentiles(values: Tensor) -> Tensor:
    """The ends of the middle 95 % of resampled values, `[resamples, ...]`: `[2, ...]`."""
    ends = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=values.dtype)
    return torch.nanquantile(values, ends, dim=0)


def _bootstrap(counts: Tensor, dense: bool) -> dict[str, tuple[float, float]]:
    found = {}
    for name, values in rates(resampled(counts), dense).items():
        low, high = percentiles(values).tolist()
        found[name] = (low, high)
    return found
