"""Where to cut a score into yes and no: chosen on validation, reported on other data.

A model of yes and no gives a score z; yes is σ(z) > threshold, and without more ado that is 0.5.
Which cut is best depends on what an error costs, not on the loss. It is chosen where the model was
not trained, and judged where it was not chosen.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError
from .counts import METHODS, intervals, rates
from .decoded import probability_of, yes_score

RULES = "best_f1, precision>=0.9, recall>=0.8, or a number such as 0.37"


@dataclass(frozen=True)
class Rule:
    """How the threshold is found.

    Args:
        metric: what is at least `value`, `precision` or `recall`; `f1` for its best; `threshold`
            for a given number.
        value: the number.
    """

    metric: str
    value: float = 0.0

    @property
    def is_given(self) -> bool:
        """Whether the threshold is given, and nothing is to be chosen."""
        return self.metric == "threshold"

    @property
    def score(self) -> float:
        """The given number as a score."""
        return math.log(self.value) - math.log1p(-self.value)

    def __str__(self) -> str:
        if self.metric == "f1":
            return "best_f1"
        return f"{self.value:g}" if self.is_given else f"{self.metric}>={self.value:g}"


def read_rule(text: str) -> Rule:
    """The rule that a user asks for.

    >>> read_rule("precision>=0.9"), read_rule("0.37")
    (Rule(metric='precision', value=0.9), Rule(metric='threshold', value=0.37))

    Raises:
        UserError: it is none.
    """
    if text == "best_f1":
        return Rule("f1")
    found = re.fullmatch(r"\s*(?:(precision|recall)\s*>=\s*)?([\d.eE+-]+)\s*", text)
    try:
        rule = Rule(found[1] or "threshold", float(found[2])) if found else None
    except ValueError:
        rule = None
    if rule is None:
        quotes = ". Put it in quotes: the shell takes > for itself" if text.isalpha() else ""
        raise UserError(f"--threshold is {RULES}; got {text!r}{quotes}")
    if not 0 < rule.value < 1 and not (rule.metric != "threshold" and rule.value == 1):
        raise UserError(f"--threshold {text}: the number must lie between 0 and 1")
    return rule


@dataclass(frozen=True)
class Scored:
    """A split's answers to a yes-or-no question.

    Args:
        score: logits, `[elements]`, float64.
        positive: the truth, `[elements]`, bool.
        sample: which sample (image) an element belongs to, `[elements]`.
        samples: how many samples there are.
        dense: whether a sample has many elements.
    """

    score: Tensor
    positive: Tensor
    sample: Tensor
    samples: int
    dense: bool

    def counts(self, cut: float) -> Tensor:
        """True positives, false positives, false and true negatives per sample, `[samples, 4]`."""
        index = 4 * self.sample + 2 * (self.score <= cut) + ~self.positive
        return torch.bincount(index, minlength=4 * self.samples).reshape(-1, 4).double()


def choose(scored: Scored, rule: Rule) -> float:
    """The score above which the answer is yes.

    `best_f1` is the largest F1. `precision>=p` is the cut of largest recall among those that reach
    the precision, `recall>=r` the one of largest precision. Cuts lie halfway between two scores;
    among equally good ones it is the highest. A score equal to the cut is a no.

    Raises:
        UserError: no cut reaches what is wanted; the text says what can be had.
    """
    if rule.is_given:
        return rule.score
    order = scored.score.argsort(descending=True)
    score, hit = scored.score[order], scored.positive[order].double()
    total = float(hit.sum())
    if not total:
        raise UserError(f"--threshold {rule}: the split it is chosen on has no positive")
    # A cut is possible behind the last of equal scores.
    last = torch.ones_like(score, dtype=torch.bool)
    last[:-1] = score[1:] < score[:-1]
    true = hit.cumsum(0)[last]
    answered = torch.arange(1, len(score) + 1).double()[last]
    precision, recall = true / answered, true / total
    lower = torch.cat([score[last][1:], score[-1:] - 1])
    cuts = (score[last] + lower) / 2
    if rule.metric == "f1":
        return float(cuts[(2 * true / (answered + total)).argmax()])
    reached, other = (precision, recall) if rule.metric == "precision" else (recall, precision)
    enough = reached >= rule.value
    if not bool(enough.any()):
        best = int(reached.argmax())
        raise UserError(
            f"--threshold {rule} can't be had: on the {scored.samples} samples it is chosen on, "
            f"the largest {rule.metric} is {float(reached[best]):.3g}, with a recall of "
            f"{float(recall[best]):.3g}. Ask for less, or train for it (soft_precision)"
        )
    return float(cuts[torch.where(enough, other + 1e-9 * reached, -1).argmax()])  # ties


@dataclass(frozen=True)
class Thresholded:
    """What a cut comes to.

    Args:
        rule: how it was found.
        cut: the score above which the answer is yes.
        values: the metrics at the cut.
        intervals: of the values.
        usual: the metrics at a score of 0, a probability of 0.5.
        chosen: the metrics where the cut was chosen; empty if it was given.
        samples: how many samples it was chosen on.
        method: how the intervals are made.
    """

    rule: Rule
    cut: float
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    usual: Mapping[str, float]
    chosen: Mapping[str, float]
    samples: int
    method: str

    @property
    def threshold(self) -> float:
        """The cut as a probability."""
        return probability_of(self.cut)

    @property
    def reached(self) -> bool | None:
        """Whether the data it is judged on reach what was wanted; None if nothing was."""
        if self.rule.metric not in ("precision", "recall"):
            return None
        return self.values[self.rule.metric] >= self.rule.value

    @property
    def within(self) -> bool | None:
        """Whether the interval holds what was wanted, or lies above it; None if nothing was."""
        if self.reached is None:
            return None
        return self.intervals[self.rule.metric][1] >= self.rule.value

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rule": str(self.rule),
            "threshold": self.threshold,
            "score": self.cut,
            "metrics": dict(self.values),
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "at_0.5": dict(self.usual),
            "where_chosen": dict(self.chosen),
            "reached": self.reached,
            "reached_within_interval": self.within,
            "method": self.method,
        }


def apply(rule: Rule, judged: Scored, validation: Scored | None) -> Thresholded:
    """The cut that the rule finds on `validation`, judged on other data.

    Args:
        rule: how the threshold is found.
        judged: where it is judged.
        validation: where it is chosen; None for a rule that gives it.
    """
    cut = choose(validation if validation is not None else judged, rule)
    counts = judged.counts(cut)
    chosen = {} if validation is None else _values(validation.counts(cut), validation.dense)
    return Thresholded(
        rule,
        cut,
        _values(counts, judged.dense),
        intervals(counts, judged.dense),
        _values(judged.counts(0.0), judged.dense),
        chosen,
        0 if validation is None else validation.samples,
        METHODS[judged.dense],
    )


def _values(counts: Tensor, dense: bool) -> dict[str, float]:
    return {name: float(value) for name, value in rates(counts.sum(0), dense).items()}


def scored(
    logits: Sequence[Tensor], positive: Sequence[Tensor], counted: Sequence[Tensor], dense: bool
) -> Scored:
    """What batches of answers come to.

    Args:
        logits: `[batch, 1, ...]`, or of two channels, no and yes.
        positive: the truth, `[batch, 1, ...]`.
        counted: which elements count, shaped like `positive`.
        dense: whether there is a target for every pixel.
    """
    score = torch.cat([_score(part) for part in logits]).double().cpu()
    keep = torch.cat(list(counted)).reshape(score.shape).cpu()
    truth = torch.cat(list(positive)).reshape(score.shape).cpu() > 0.5
    sample = torch.arange(len(score)).unsqueeze(1).expand_as(score)
    return Scored(score[keep], truth[keep], sample[keep], len(score), dense)


def _score(logits: Tensor) -> Tensor:
    """One score per element, `[batch, elements]`."""
    return yes_score(logits).detach().flatten(1)
