"""Whose curvature is measured: a loss on some data, as a function of the model's weights."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from ...data.source import Batch, Source, SplitName
from ...errors import UserError
from ...losses.objective import ObjectiveValue
from ...training.step import EagerStep, Outputs
from ..rebuild import in_use

TOTAL = "total"
_NUMBERS = 2**18  # of input in a batch, where the samples are small
_NUMBERS_IN_ALL = 2**20
_FEWEST, _MOST = 16, 1024  # samples


@dataclass(frozen=True)
class Subject:
    r"""$L(\theta) = \sum_b \frac{n_b}{n} L_b(\theta)$, the mean of the objective over batches.

    The model answers as in use, without dropout and with the running statistics of its batch
    normalisation, and what it draws is the same at every call, so that L is one smooth function. A
    loss that couples samples sees those of a batch.

    Args:
        step: a copy, of which nothing else depends.
        batches: on its device.
        time: in epochs; fixes the weights of the terms.
    """

    step: EagerStep
    batches: Sequence[Batch]
    time: float

    @property
    def weights(self) -> dict[str, Tensor]:
        r"""$\theta$, the parameters that are trained, by name."""
        return {name: p for name, p in self.step.parameters.items() if p.requires_grad}

    @property
    def size(self) -> int:
        """How many weights there are."""
        return sum(p.numel() for p in self.weights.values())

    @property
    def samples(self) -> int:
        """How many samples L is the mean of."""
        return sum(map(_rows, self.batches))

    @property
    def shares(self) -> list[float]:
        r"""$n_b / n$ of each batch."""
        return [_rows(batch) / self.samples for batch in self.batches]

    @property
    def terms(self) -> list[str]:
        """Names of what can be looked at: the total, and the terms if there are several."""
        names = [term.name for term in self.step.objective.terms]
        return [TOTAL, *names] if len(names) > 1 else [TOTAL]

    def outputs(self, index: int) -> Outputs:
        """The model's answers to a batch."""
        with _drawing(index):
            return self.step.outputs(self.batches[index])

    def objective(self, index: int, outputs: Outputs) -> ObjectiveValue:
        """The objective on a batch, for answers that may be others than the model's."""
        tensors = self.step.tensors(self.batches[index], outputs)
        with _drawing(index):
            return self.step.objective.forward(tensors, self.time)

    def loss(self, index: int, term: str = TOTAL) -> Tensor:
        r"""$L_b(\theta)$, or what a term contributes to it, its weight included."""
        return part(self.objective(index, self.outputs(index)), term)


def part(value: ObjectiveValue, term: str) -> Tensor:
    """The total, or what a term contributes to it."""
    return value.total if term == TOTAL else value.contributions[term]


def subject_of(
    step: EagerStep,
    source: Source,
    *,
    split: SplitName = "train",
    samples: int | None = None,
    time: float = 0.0,
    double: bool = False,
) -> Subject:
    """The loss of a run on the first samples of a split.

    Args:
        step: with the model and the objective, which are copied.
        source: of the samples.
        split: whose samples.
        samples: at most so many; memory grows with them, and not with the size of the data. None
            takes 1,024, and of large samples fewer: 2²⁰ numbers of input, but at least 16.
        time: in epochs.
        double: compute in double precision.

    Raises:
        UserError: no samples, or data that are met by acting.
    """
    if source.spec.acts:
        raise UserError(
            "the data of a model that acts are what it meets by acting: its loss is no function of "
            "the weights on given data, and has no Hessian there"
        )
    if not source.size(split):
        raise UserError(f"the {split} split is empty")
    own = in_use(step, source.spec.main_output, double=double)
    device = next(own.model.parameters()).device
    numbers = max(1, math.prod(source.spec.input_shape))
    samples = samples or max(_FEWEST, min(_MOST, _NUMBERS_IN_ALL // numbers))
    at_once = min(samples, max(1, _NUMBERS // numbers))
    batches, left = [], samples
    for batch in islice(source.batches(split, at_once), math.ceil(samples / at_once)):
        batches.append({name: _cast(t[:left].to(device), double) for name, t in batch.items()})
        left -= _rows(batches[-1])
    return Subject(own, batches, time)


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """One vector of all, in order."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def unflat(vector: Tensor, like: Mapping[str, Tensor]) -> list[Tensor]:
    """The vector in the shapes of the weights."""
    pieces, first = [], 0
    for weight in like.values():
        pieces.append(vector[first : first + weight.numel()].view(weight.shape))
        first += weight.numel()
    return pieces


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Within it, the same random numbers are drawn each time, and none of them is missed later."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _cast(tensor: Tensor, double: bool) -> Tensor:
    return tensor.double() if double and tensor.is_floating_point() else tensor


def _rows(batch: Batch) -> int:
    return len(next(iter(batch.values())))
