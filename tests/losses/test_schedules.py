"""Schedules: values by their formulas, exact ends, and the files that hold them."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from losslab import conf
from losslab.losses import schedules
from losslab.losses.schedules import (
    Constant,
    Cosine,
    Cyclical,
    Exponential,
    Linear,
    Schedule,
    Sigmoid,
    Step,
)
from omegaconf import OmegaConf

RAMPS = [Linear, Cosine, Sigmoid, Exponential]
FILES = sorted((Path(conf.__file__).parent / "schedule").glob("*.yaml"))


def test_constant_is_constant() -> None:
    assert [Constant(0.3)(time) for time in (0, 0.5, 1e6)] == [0.3] * 3


@pytest.mark.parametrize("ramp", RAMPS)
@pytest.mark.parametrize(("start", "end"), [(0.1, 0.3), (0.7, 1e-3), (-0.3, -0.1)])
def test_ramps_meet_both_ends_exactly_and_stay(ramp: type, start: float, end: float) -> None:
    schedule = ramp(start=start, end=end, begin=2, duration=3)
    assert [schedule(time) for time in (0, 2, 5, 5.1, 1e9)] == [start, start, end, end, end]


@pytest.mark.parametrize("ramp", RAMPS)
def test_ramps_are_monotonic(ramp: type) -> None:
    schedule = ramp(start=0.01, end=1, duration=10)
    values = [schedule(time / 10) for time in range(101)]
    assert all(a < b for a, b in pairwise(values))


@pytest.mark.parametrize(
    ("schedule", "time", "expected"),
    [
        (Linear(0, 2, begin=1, duration=4), 2, 0.5),
        (Cosine(1, 0, duration=10), 2.5, (1 + math.cos(math.pi / 4)) / 2),
        (Exponential(1e-1, 1e-5, duration=4), 1, 1e-2),
        (Exponential(-1, -4, duration=2), 1, -2),
        (Sigmoid(0, 1, duration=10, steepness=8), 5, 0.5),
    ],
    ids=["linear", "cosine", "exponential", "exponential_negative", "sigmoid"],
)
def test_ramps_by_formula(schedule: Schedule, time: float, expected: float) -> None:
    assert schedule(time) == pytest.approx(expected, rel=1e-12)


def test_sigmoid_is_the_logistic_function_scaled_to_its_ends() -> None:
    def logistic(u: float) -> float:
        return 1 / (1 + math.exp(-u))

    low, high = logistic(-6), logistic(6)
    expected = (logistic(12 * (0.3 - 0.5)) - low) / (high - low)
    assert Sigmoid(0, 1, duration=10)(3) == pytest.approx(expected, rel=1e-12)


def test_sigmoid_may_be_as_steep_as_a_step() -> None:
    step = Sigmoid(0, 1, duration=10, steepness=1e6)
    assert (step(4.9), step(5.1)) == (0, 1)


def test_cyclical_rises_rests_and_starts_again() -> None:
    schedule = Cyclical(start=0.2, end=1, period=4, ramp=0.5)
    times = (0, 1, 2, 3.9, 4, 5, 6, 401)
    expected = (0.2, 0.6, 1, 1, 0.2, 0.6, 1, 0.6)
    assert [schedule(time) for time in times] == pytest.approx(expected)


def test_cyclical_stops_after_its_cycles() -> None:
    schedule = Cyclical(period=4, ramp=1, cycles=2)
    assert [schedule(time) for time in (0, 2, 4, 6, 8, 9)] == [0, 0.5, 0, 0.5, 1, 1]


def test_step_multiplies_at_each_milestone_in_any_order() -> None:
    schedule = Step(start=8, factor=0.5, milestones=(5, 2))
    assert [schedule(time) for time in (0, 1.99, 2, 4.9, 5, 100)] == [8, 8, 4, 4, 2, 2]


def test_time_may_be_a_fraction_of_an_epoch() -> None:
    values = [Linear(0, 1, duration=1)(step / 100) for step in range(100)]
    assert values == pytest.approx([step / 100 for step in range(100)])


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        (Linear, {"duration": 0}, "duration must be positive, in epochs; got 0"),
        (Cosine, {"duration": math.nan}, "duration must be positive, in epochs; got nan"),
        (Sigmoid, {"duration": -1}, "duration must be positive, in epochs; got -1"),
        (Sigmoid, {"steepness": 0}, "steepness must be positive; got 0"),
        (Exponential, {"duration": -1}, "duration must be positive"),
        (Exponential, {"end": 0}, "non-zero with one sign; got 1.0 and 0"),
        (Exponential, {"start": -1}, "non-zero with one sign; got -1 and 0.01"),
        (Cyclical, {"period": 0}, r"ramp in \(0, 1\]; got 0 and 0.5"),
        (Cyclical, {"ramp": 0}, r"ramp in \(0, 1\]; got 10.0 and 0"),
        (Cyclical, {"ramp": 1.5}, r"ramp in \(0, 1\]; got 10.0 and 1.5"),
    ],
)
def test_impossible_fields_are_an_error(kind: type, fields: dict[str, float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        kind(**fields)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_holds_every_field_with_its_default(path: Path) -> None:
    node = OmegaConf.to_container(OmegaConf.load(path))
    module, _, name = node.pop("_target_").rpartition(".")
    kind = getattr(schedules, name)
    assert module == schedules.__name__
    assert name.lower() == path.stem
    assert {k: tuple(v) if isinstance(v, list) else v for k, v in node.items()} == vars(kind())
    assert path.read_text().startswith("# losslab train ")


def test_every_schedule_has_a_file() -> None:
    public = {
        name.lower()
        for name, kind in vars(schedules).items()
        if isinstance(kind, type) and issubclass(kind, Schedule) and not name.startswith("_")
    }
    assert {path.stem for path in FILES} == public - {"schedule"}
