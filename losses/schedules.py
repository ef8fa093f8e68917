"""Schedules: numbers as functions of training time.

Time is in epochs, a float, so a schedule does not depend on the batch size. Every schedule is a
frozen dataclass that is called with the time; its fields are what a YAML sets. The weight of a term
and the learning rate may be one: `schedule@loss.kl.weight=linear`, `schedule@optimizer.lr=cosine`.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass


class Schedule(ABC):
    """A number that changes with training time."""

    @abstractmethod
    def __call__(self, time: float) -> float:
        """The value at `time`, in epochs since the start of training."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The same value at all times.

    >>> Constant(0.3)(12.5)
    0.3
    """

    value: float = 1.0

    def __call__(self, time: float) -> float:
        """See `Schedule`."""
        return self.value


@dataclass(frozen=True)
class _Ramp(Schedule):
    """From `start` to `end` in `duration` epochs from epoch `begin`; constant before and after."""

    start: float = 0.0
    end: float = 1.0
    begin: float = 0.0
    duration: float = 10.0

    def __post_init__(self) -> None:
        """Check the fields."""
        if not self.duration > 0:
            raise ValueError(f"duration must be positive, in epochs; got {self.duration}")

    def __call__(self, time: float) -> float:
        """See `Schedule`."""
        return self.at(min(max((time - self.begin) / self.duration, 0.0), 1.0))

    @abstractmethod
    def at(self, progress: float) -> float:
        """The value at `progress` in [0, 1]: `start` at 0 and `end` at 1, exactly."""

    def between(self, share: float) -> float:
        """The number that lies a `share` of the way from `start` to `end`."""
        return (1 - share) * self.start + share * self.end


@dataclass(frozen=True)
class Linear(_Ramp):
    """A straight line from `start` to `end` in `duration` epochs, from epoch `begin`.

    >>> Linear(start=0, end=1, duration=10)(2.5)
    0.25
    """

    def at(self, progress: float) -> float:
        """See `_Ramp`."""
        return self.between(progress)


@dataclass(frozen=True)
class Cosine(_Ramp):
    """Half a cosine from `start` to `end` in `duration` epochs: flat at both ends.

    Loshchilov & Hutter 2017, SGDR, eq. 5, without restarts.

    >>> round(Cosine(start=1, end=0, duration=10)(5), 12)
    0.5
    """

    def at(self, progress: float) -> float:
        """See `_Ramp`."""
        return self.between((1 - math.cos(math.pi * progress)) / 2)


@dataclass(frozen=True)
class Sigmoid(_Ramp):
    """An S from `start` to `end` in `duration` epochs, scaled so that it meets both exactly.

    Bowman et al. 2016, Generating Sentences from a Continuous Space, section 3.1, used it for the
    KL weight.

    >>> Sigmoid(start=0, end=1, duration=10)(5)
    0.5

    Args:
        steepness: the logistic's argument runs over ±`steepness` / 2.
    """

    steepness: float = 12.0

    def __post_init__(self) -> None:
        """Check the fields."""
        super().__post_init__()
        if not self.steepness > 0:
            raise ValueError(f"steepness must be positive; got {self.steepness}")

    def at(self, progress: float) -> float:
        """See `_Ramp`."""
        # The logistic of u is (1 + tanh(u/2)) / 2; tanh is odd, so both ends are met alike.
        here = math.tanh(self.steepness * (progress - 0.5) / 2)
        return self.between((1 + here / math.tanh(self.steepness / 4)) / 2)


@dataclass(frozen=True)
class Exponential(_Ramp):
    """Geometric growth or decay from `start` to `end` in `duration` epochs.

    >>> round(Exponential(start=1, end=0.01, duration=10)(5), 12)
    0.1
    """

    start: float = 1.0
    end: float = 0.01

    def __post_init__(self) -> None:
        """Check the fields."""
        super().__post_init__()
        if not self.start * self.end > 0:
            raise ValueError(
                f"start and end must be non-zero with one sign; got {self.start} and {self.end}"
            )

    def at(self, progress: float) -> float:
        """See `_Ramp`."""
        sign = math.copysign(1, self.start)
        return float(sign * abs(self.start) ** (1 - progress) * abs(self.end) ** progress)


@dataclass(frozen=True)
class Cyclical(Schedule):
    """Rises from `start` to `end` linearly over the first part of each cycle, then stays there.

    Fu et al. 2019, Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing,
    eq. 6–7.

    >>> cyclical = Cyclical(period=4, ramp=0.5)
    >>> cyclical(1), cyclical(3), cyclical(5)
    (0.5, 1.0, 0.5)

    Args:
        period: length of a cycle, in epochs.
        ramp: the share of the cycle that rises, in (0, 1].
        cycles: after so many cycles the value stays at `end`; None never stops.
    """

    start: float = 0.0
    end: float = 1.0
    period: float = 10.0
    ramp: float = 0.5
    cycles: int | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        if not self.period > 0 or not 0 < self.ramp <= 1:
            raise ValueError(
                f"period must be positive and ramp in (0, 1]; got {self.period} and {self.ramp}"
            )

    def __call__(self, time: float) -> float:
        """See `Schedule`."""
        if self.cycles is not None and time >= self.cycles * self.period:
            return self.end
        progress = min(time % self.period / (self.period * self.ramp), 1.0)
        return (1 - progress) * self.start + progress * self.end


@dataclass(frozen=True)
class Step(Schedule):
    """`start`, multiplied by `factor` at every one of the `milestones`, in epochs.

    >>> step = Step(start=0.1, factor=0.5, milestones=(10, 20))
    >>> step(9.9), step(10), step(25)
    (0.1, 0.05, 0.025)
    """

    start: float = 1.0
    factor: float = 0.1
    milestones: tuple[float, ...] = (10.0, 20.0)

    def __call__(self, time: float) -> float:
        """See `Schedule`."""
        passed = sum(time >= milestone for milestone in self.milestones)
        return float(self.start * self.factor**passed)
