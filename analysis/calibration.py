r"""Whether answers come true as often as they claim: calibration errors and proper scores.

Elements are put into B bins by the probability p that they claim. With n_b elements in bin b, of n,
p̄_b their mean probability and ȳ_b the share of them that came true,

    ECE = Σ_b n_b / n · |ȳ_b − p̄_b|        MCE = max_b |ȳ_b − p̄_b|.

Samples are put into bins of equal mass, pixels into bins of equal width: most pixels are background
and equally sure, and would fill all bins but one.

Both errors are absolute values, so that noise makes them larger: a perfectly calibrated model shows
some too. How much is measured by resampling, as the error of the noise alone, and the intervals of
ECE and MCE allow for it; the plain percentiles of resamples miss the truth more often than not.

References:
    Naeini, Cooper & Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015. Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017,
    equations 3 and 5. Davison & Hinkley, Bootstrap methods and their application, 1997, chapter 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data.messages import counted
from .claims import Elements
from .counts import clopper_pearson, percentiles, resampled

BINS = 15
_FEWEST = 10  # elements in a bin of equal mass
_BARS = 20
NAMES = {"ece": "ECE", "mce": "MCE", "brier": "Brier score", "log_loss": "log loss"}
"""The measures, and what people call them."""
METHOD = (
    "95 % intervals: 2,000 bootstrap resamples of whole samples; for ECE and MCE mirrored at the "
    "value, and down to 0 where chance may show it"
)


@dataclass(frozen=True)
class Calibration:
    """How far claims and truth are apart.

    Args:
        values: the measures, see `NAMES`.
        intervals: of 95 %, over bootstrap resamples of the samples.
        bins: elements, sum of their probabilities and how many came true, `[bins, 3]`; none empty.
        ends: the 95 % interval of the share that came true, `[bins, 2]`: Clopper–Pearson, or by
            resampling where a sample has many elements.
        mass: how many elements claim a probability in each of 20 equal parts of 0 to 1, `[20]`.
        how: number and kind of the bins, in words; those of equal mass that are empty don't count.
        by_chance: the ECE that the noise of so few samples shows where there is no error.
        samples: how many there are.
    """

    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    bins: Tensor
    ends: Tensor
    mass: Tensor
    how: str
    by_chance: float
    samples: int

    @property
    def claimed(self) -> Tensor:
        """The mean probability in each bin, `[bins]`."""
        return self.bins[:, 1] / self.bins[:, 0]

    @property
    def came_true(self) -> Tensor:
        """The share that came true in each bin, `[bins]`."""
        return self.bins[:, 2] / self.bins[:, 0]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.values,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "by_chance": self.by_chance,
            "samples": self.samples,
            "method": f"{self.how}; {METHOD}",
            "bins": [
                {"elements": int(n), "claimed": p, "came_true": y, "interval": ends}
                for n, p, y, ends in zip(
                    self.bins[:, 0].tolist(),
                    self.claimed.tolist(),
                    self.came_true.tolist(),
                    self.ends.tolist(),
                    strict=True,
                )
            ],
        }


class Tally:
    """Adds up what a calibration needs, batch by batch; of pixels it keeps sums alone.

    Args:
        dense: whether there is an answer for every pixel.
        temperature: by which the logits are divided.
    """

    def __init__(self, *, dense: bool, temperature: float = 1.0) -> None:
        self.dense = dense
        self.temperature = temperature
        self.samples = 0
        self._scores: list[Tensor] = []
        self._bins: list[Tensor] = []
        self._kept: list[tuple[Tensor, Tensor, Tensor]] = []
        self._mass = torch.zeros(_BARS, dtype=torch.float64)

    def add(self, batch: Elements) -> None:
        """Add one batch."""
        claims = batch.claims(self.temperature)
        ones = torch.ones_like(claims.probability)
        scores = torch.stack([ones, claims.brier, claims.log_loss], 1)
        self._scores.append(_added(scores, batch.sample, batch.samples))
        self._mass += torch.histc(claims.probability, _BARS, 0, 1)
        if self.dense:
            edges = torch.linspace(0, 1, BINS + 1, dtype=torch.float64)
            found = _binned(claims.probability, claims.true, batch.sample, batch.samples, edges)
            self._bins.append(found)
        else:
            self._kept.append((claims.probability, claims.true, batch.sample + self.samples))
        self.samples += batch.samples

    def compute(self) -> Calibration:
        """The calibration of all batches so far."""
        if self.dense:
            cells, kind = torch.cat(self._bins), "equal width"
        else:
            probability, true, sample = (torch.cat(p) for p in zip(*self._kept, strict=True))
            edges = _of_equal_mass(probability)
            cells = _binned(probability, true, sample, self.samples, edges)
            tied = len(np.unique(edges)) < len(edges)  # where many elements claim the same
            kind = "about equal mass" if tied else "equal mass"
        scores = torch.cat(self._scores)
        independent = not self.dense and bool((scores[:, 0] <= 1).all())
        filled = cells[:, :, 0].sum(0) > 0
        how = f"{counted(BINS if self.dense else int(filled.sum()), 'bin')} of {kind}"
        return _measured(scores, cells[:, filled], self._mass, how, independent=independent)


def _of_equal_mass(probability: Tensor) -> Tensor:
    """The edges of 15 bins; of fewer, where one would hold less than 10 elements."""
    bins = max(1, min(BINS, len(probability) // _FEWEST))
    return torch.from_numpy(np.quantile(probability.numpy(), np.linspace(0, 1, bins + 1)))


def _binned(
    probability: Tensor, true: Tensor, sample: Tensor, samples: int, edges: Tensor
) -> Tensor:
    """Elements, sum of probabilities and hits of each sample in each bin, `[samples, bins, 3]`."""
    bins = len(edges) - 1
    cell = sample * bins + torch.bucketize(probability, edges[1:-1])
    columns = torch.stack([torch.ones_like(probability), probability, true.double()], 1)
    return _added(columns, cell, samples * bins).reshape(samples, bins, -1)


def _added(columns: Tensor, place: Tensor, places: int) -> Tensor:
    """Rows added up by their place, `[places, columns]`."""
    return columns.new_zeros(places, columns.shape[1]).index_add_(0, place, columns)


def _measured(
    scores: Tensor, cells: Tensor, mass: Tensor, how: str, *, independent: bool
) -> Calibration:
    samples, bins, _ = cells.shape
    table = torch.cat([scores, cells.flatten(1)], 1)  # counts are columns 0, 3, 6, …
    sums, drawn = table.sum(0), resampled(table)
    noise = drawn - sums
    noise[:, ::3] = sums[::3]
    values, resamples, chance = _measures(sums), _measures(drawn), _measures(noise)
    intervals = {name: _percentiles(resamples[name]) for name in ("brier", "log_loss")}
    for name in ("ece", "mce"):
        intervals[name] = _corrected(float(values[name]), resamples[name], chance[name])
    total = sums[3:].reshape(bins, 3)
    if independent:
        exact = [clopper_pearson(int(hits), int(n)) for n, _, hits in total.tolist()]
        ends = torch.tensor(exact, dtype=torch.float64)
    else:
        drawn_bins = drawn[:, 3:].reshape(-1, bins, 3)
        ends = percentiles(drawn_bins[..., 2] / drawn_bins[..., 0]).T  # 0 / 0, NaN, is left out
    return Calibration(
        {name: float(value) for name, value in values.items()},
        {name: intervals[name] for name in values},
        total,
        ends,
        mass,
        how,
        float(chance["ece"].mean()),
        samples,
    )


def _measures(sums: Tensor) -> dict[str, Tensor]:
    """The measures of sums `[..., 3 + 3 bins]`: elements, scores, and the bins."""
    n, brier, log_loss = sums[..., :3].unbind(-1)
    count, claimed, hits = (sums[..., first::3] for first in (3, 4, 5))
    gap = (claimed - hits).abs()
    return {
        "ece": gap.sum(-1) / n,
        "mce": (gap / count.clamp(min=1)).amax(-1),
        "brier": brier / n,
        "log_loss": log_loss / n,
    }


def _percentiles(resamples: Tensor) -> tuple[float, float]:
    low, high = percentiles(resamples).tolist()
    return low, high


def _corrected(value: float, resamples: Tensor, chance: Tensor) -> tuple[float, float]:
    """The interval of an error that chance makes larger, and resampling larger once more.

    The percentiles are mirrored at the value (the basic bootstrap), which is kept inside; and what
    chance alone would show leaves 0 possible.
    """
    low, high = percentiles(resamples).tolist()
    by_chance = value <= float(percentiles(chance)[1])
    return 0.0 if by_chance else max(0.0, 2 * value - high), min(1.0, max(value, 2 * value - low))
