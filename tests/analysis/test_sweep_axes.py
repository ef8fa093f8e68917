"""What varies in a sweep, and in what order it stands on an axis."""

import pytest
from kept_runs import config, loss
from losslab.analysis.collect import RunData, Selection
from losslab.analysis.compare import compare
from losslab.analysis.sweep_axes import axes_of, outcomes, scale_of


def run(made_from, value=0.5):
    return RunData(
        name=str(made_from),
        status="FAILED" if value is None else "FINISHED",
        config=made_from,
        metrics={} if value is None else {"test/f1": value},
        monitor="val/f1",
    )


def axes(runs):
    return axes_of(compare(Selection("sweep", runs)))


def weights(*values):
    return [run(config(loss=loss("bce", class_weight=value))) for value in values]


@pytest.mark.parametrize(
    ("runs", "levels"),
    [
        pytest.param(
            [run(config(lr=lr)) for lr in (0.1, 0.001, 0.02)],
            ["0.001", "0.02", "0.1"],
            id="numbers",
        ),
        pytest.param(
            weights([1, 10], [1, 2], None, [1, 1]),
            ["[1, 1]", "[1, 2]", "[1, 10]", "null"],
            id="lists of numbers",
        ),
        pytest.param(
            [run(config(loss=loss(name))) for name in ("focal", "bce")],
            ["bce", "focal"],
            id="words",
        ),
    ],
)
def test_the_values_of_a_choice_stand_in_order_and_evenly(runs, levels):
    (axis,) = axes(runs)
    assert axis.levels == levels
    last = len(levels) - 1
    assert axis.ticks() == {i / last: level for i, level in enumerate(levels)}


def test_many_numbers_are_a_range_and_a_learning_rate_is_logarithmic():
    rates = [10 ** (-k / 5) for k in range(5, 20)]
    (axis,) = axes([run(config(lr=lr)) for lr in rates])
    assert sorted(axis.places()) == pytest.approx([k / 14 for k in range(15)])
    assert axis.places()[axis.values.index("0.01")] == pytest.approx((19 - 10) / 14)
    assert list(axis.ticks().values()) == ["0.001", "0.01", "0.1"]


def test_runs_without_such_a_number_stand_at_its_foot():
    runs = [run(config(loss=loss("focal", gamma=k / 4))) for k in range(20)]
    runs += [run(config(loss=loss("bce")))]
    axis = next(axis for axis in axes(runs) if axis.name == "focal.gamma")
    places = dict(zip(axis.values, axis.places(), strict=True))
    assert places["–"] == 0.0
    assert places["0"] == pytest.approx(0.1)
    assert places["4.75"] == 1.0
    assert axis.ticks()[0.0] == "–"


def test_every_range_of_a_search_is_an_axis_though_one_tells_all_runs_apart():
    runs = []
    for k in range(15):
        made = config(lr=0.001 * 1.3**k)
        made["optimizer"]["weight_decay"] = 0.01 / 1.2**k
        runs.append(run(made))
    assert {axis.name for axis in axes(runs)} == {"lr", "weight_decay"}


def test_what_explains_most_stands_first():
    runs = [
        run(config(lr=lr, model={"_target_": "MLP", "width": width}), 0.5 + 0.01 * width + lr)
        for lr in (0.01, 0.02)
        for width in (4, 8, 16)
    ]
    assert [axis.name for axis in axes(runs)] == ["width", "lr"]


@pytest.mark.parametrize(
    ("rates", "names"),
    [((0.1, 0.2), ["lr", "seed"]), ((0.1,), ["seed"])],
    ids=["one thing", "nothing"],
)
def test_the_seed_stands_in_where_fewer_than_two_things_vary(rates, names):
    assert [a.name for a in axes([run(config(s, lr)) for lr in rates for s in (1, 2)])] == names


def test_a_run_without_a_value_is_an_outcome_too():
    found = outcomes(compare(Selection("s", [run(config(1)), run(config(2), None)])))
    assert [(o.run.config["seed"], o.value, o.group) for o in found] == [(1, 0.5, 0), (2, None, 0)]


def test_a_scale_of_one_number_has_its_middle():
    assert scale_of([3.0])(3.0) == 0.5
    assert scale_of([3.0]).ticks() == [3.0]
