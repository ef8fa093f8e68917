"""Groups, ranks and tests over runs, with values from scipy called here."""

import math
import statistics

import pytest
from kept_runs import config, loss
from losslab.analysis.collect import RunData, Selection
from losslab.analysis.comparable import is_loss
from losslab.analysis.compare import compare
from losslab.errors import UserError
from scipy import stats

LOW, HIGH = [0.70, 0.74, 0.71, 0.69, 0.75], [0.80, 0.81, 0.84, 0.78, 0.83]
THIRD = [0.72, 0.73, 0.76, 0.70, 0.77]


def run(made_from, value=0.5, **changes) -> RunData:
    values = {
        "name": f"run-{made_from['seed']}-{made_from['optimizer']['lr']}",
        "status": "FINISHED",
        "config": made_from,
        "metrics": {"test/f1": value, "test/loss": 1 - value, "val/f1": value},
        "monitor": "val/f1",
        "data": {"name": "digits", "fingerprint": "f00d"},
        "started": float(made_from["seed"]),
        **changes,
    }
    return RunData(**values)


def sweep(**of_lr: list[float]) -> list[RunData]:
    return [
        run(config(seed, float(lr.removeprefix("lr").replace("_", "."))), value)
        for lr, values in of_lr.items()
        for seed, value in enumerate(values, 1)
    ]


def over(runs, **asked):
    return compare(Selection("these", runs), **asked)


def by_name(comparison):
    return {group.name: group for group in comparison.groups}


def test_each_group_has_its_mean_and_interval_and_the_best_is_marked():
    found = over(sweep(lr0_1=LOW, lr0_01=HIGH))
    assert found.metric == "test/f1"
    assert found.keys == ["optimizer.lr"]
    assert [group.name for group in found.groups] == ["lr=0.01", "lr=0.1"]
    assert [group.best for group in found.groups] == [True, False]
    for group, values in zip(found.groups, (HIGH, LOW), strict=True):
        expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert group.mean == pytest.approx(statistics.mean(values))
        assert group.deviation == pytest.approx(statistics.stdev(values))
        assert group.interval == pytest.approx((expected.low, expected.high))
        assert (len(group.values), group.of) == (5, 5)


def test_where_less_is_better_the_least_is_best():
    metrics = {0.1: {"test/rmse": 3.0}, 0.01: {"test/rmse": 2.0}}
    runs = [run(config(1, lr), metrics=m, monitor="val/rmse") for lr, m in metrics.items()]
    found = over(runs)
    assert found.mode == "min"
    assert [g.name for g in found.groups if g.best] == ["lr=0.01"]
    assert found.notes == ["one run says nothing of luck: repeat with -m seed=1,2,3,4,5"]


def test_the_baseline_is_tested_against_and_p_is_corrected():
    found = over(sweep(lr0_1=LOW, lr0_01=HIGH, lr0_5=THIRD), baseline="0.1")
    groups = by_name(found)
    p = [stats.ttest_rel(values, LOW).pvalue for values in (HIGH, THIRD)]
    assert groups["lr=0.01"].versus.p == pytest.approx(p[0])
    assert groups["lr=0.5"].versus.p == pytest.approx(p[1])
    assert groups["lr=0.01"].p == pytest.approx(2 * p[0])  # the smaller of two
    assert groups["lr=0.5"].p == pytest.approx(max(p[1], 2 * p[0]))
    assert groups["lr=0.1"].versus is None
    assert found.baseline == "lr=0.1"


def test_only_shared_seeds_are_tested():
    runs = [r for r in sweep(lr0_1=LOW, lr0_01=HIGH) if r.name not in ("run-1-0.1", "run-5-0.01")]
    test = by_name(over(runs, baseline="lr=0.1"))["lr=0.01"].versus
    assert test.n == 3
    assert test.p == pytest.approx(stats.ttest_rel(HIGH[1:4], LOW[1:4]).pvalue)


def test_with_less_than_two_shared_seeds_there_is_no_test():
    found = over(sweep(lr0_1=LOW[:1], lr0_01=HIGH), baseline="lr=0.1")
    assert by_name(found)["lr=0.01"].p is None
    assert "no test against the baseline is possible for lr=0.01 (1 shared seed)" in found.notes


def test_split_seeds_are_replicates_too():
    runs = [
        run(config(1, lr, data={"_target_": "d", "split_seed": split}), value + split / 100,
            data={"name": "digits", "fingerprint": str(split)})
        for lr, value in ((0.1, 0.5), (0.2, 0.7))
        for split in (0, 1, 2)
    ]  # fmt: skip
    found = over(runs)
    assert [(g.name, len(g.values)) for g in found.groups] == [("lr=0.2", 3), ("lr=0.1", 3)]


def test_by_another_key_pairs_agree_in_what_else_varies_and_seeds_count_once():
    runs = [
        run(config(seed, lr, model={"_target_": f"losslab.models.{model}"}), value + lr)
        for model, values in (("MLP", LOW), ("Linear", HIGH))
        for lr in (0.1, 0.2)
        for seed, value in enumerate(values, 1)
    ]
    found = over(runs, by=["model"], baseline="mlp")
    group = by_name(found)["model=Linear"]
    assert len(group.values) == 10
    assert group.versus.n == 5
    assert group.versus.p == pytest.approx(stats.ttest_rel(HIGH, LOW).pvalue)
    assert any("the runs of a group differ in optimizer.lr too" in note for note in found.notes)


def test_what_changes_along_is_said():
    runs = [
        run(config(seed, lr, model={"_target_": model}))
        for model, lr in (("A", 0.1), ("B", 0.2))
        for seed in (1, 2)
    ]
    found = over(runs)
    assert found.keys == ["model"]
    assert any("optimizer.lr changes along with model" in note for note in found.notes)


def test_runs_that_did_not_finish_are_counted_and_named():
    runs = sweep(lr0_1=LOW, lr0_01=HIGH)
    failed = run(config(6, 0.01), status="FAILED", reason="NaN", metrics={}, name="broken")
    infinite = run(config(7, 0.01), math.nan, name="infinite")
    selection = Selection("these", [*runs, failed, infinite], [("seed=9", "no such model")])
    found = compare(selection)
    group = by_name(found)["lr=0.01"]
    assert (len(group.values), group.of) == (5, 7)
    assert ("broken", "FAILED", "NaN") in found.left_out
    assert ("seed=9", "FAILED", "no such model") in found.left_out
    assert ("infinite", "FINISHED", "test/f1 is nan") in found.left_out
    assert any("2 of its 7 did not" in note for note in found.notes)


def test_the_same_run_twice_counts_once():
    again = run(config(1, 0.1), 0.9, started=99.0, name="again")
    found = over([*sweep(lr0_1=LOW), again])
    (group,) = found.groups
    assert group.values == [0.9, *LOW[1:]]
    why = "the same configuration and seed as again"
    assert found.left_out == [("run-1-0.1", "REPEATED", why)]


def test_a_repetition_that_failed_does_not_replace_what_finished():
    again = run(config(1, 0.1), status="FAILED", started=99.0, name="again")
    assert over([*sweep(lr0_1=LOW), again]).groups[0].values == LOW


def test_one_configuration_is_one_group():
    found = over(sweep(lr0_1=LOW))
    assert [(g.name, g.best) for g in found.groups] == [("all runs", False)]


def losses():
    return [
        run(config(seed, loss=loss(name)), value)
        for name, values in (("bce", LOW), ("focal", HIGH))
        for seed, value in enumerate(values, 1)
    ]


def test_values_of_different_losses_are_shown_and_not_ranked():
    found = over(losses(), metric="loss")
    assert found.metric == "test/loss"
    assert [group.name for group in found.groups] == ["loss=bce", "loss=focal"]
    assert not any(group.best for group in found.groups)
    expected = "values of different losses can't be ranked, and test/loss is one"
    assert found.unranked.startswith(expected)
    assert "--metric f1" in found.unranked


def test_values_of_different_losses_are_not_tested():
    with pytest.raises(UserError, match="--baseline bce: values of different losses can't be"):
        over(losses(), metric="loss", baseline="bce")


def test_values_of_one_loss_are_ranked():
    found = over(sweep(lr0_1=LOW, lr0_01=HIGH), metric="test/loss")
    assert found.unranked == ""
    assert found.groups[0].name == "lr=0.01"


@pytest.mark.parametrize(
    ("metric", "loss_value"),
    [("test/loss", True), ("train/loss", True), ("val/terms/kl", True), ("test/f1", False)],
)
def test_what_is_a_loss(metric, loss_value):
    assert is_loss(metric) == loss_value


def test_a_setting_is_no_result():
    runs = [run(config(s, lr), metrics={"test/f1": 0.5, "lr": lr}) for s in (1, 2) for lr in (1, 2)]
    assert "lr is a setting" in over(runs, metric="lr").unranked


NOISE = [
    run(config(s, data={"_target_": "d", "noise": n}), data={"name": "d", "fingerprint": str(n)})
    for n in (0.1, 0.5)
    for s in (1, 2)
]


def test_runs_on_different_data_are_an_error_that_says_what_differs():
    with pytest.raises(UserError, match=r"data\.noise is 0\.1 \(2 runs\), 0\.5 \(2 runs\)"):
        over(NOISE)


def test_different_data_are_shown_unranked_when_asked_for():
    found = over(NOISE, by=["noise"])
    assert found.unranked.startswith("values on different data can't be ranked: data.noise is")
    assert not any(group.best for group in found.groups)


def test_the_same_data_prepared_differently_can_be_compared():
    runs = [
        run(config(s, data={"_target_": "d", "standardise": on}), 0.5 + on / 10 + s / 100)
        for on in (True, False)
        for s in (1, 2)
    ]
    assert over(runs).groups[0].name == "standardise=true"


def test_files_that_have_changed_are_an_error():
    runs = sweep(lr0_1=LOW[:2])
    changed = run(config(3, 0.1), data={"name": "digits", "fingerprint": "beef"})
    with pytest.raises(UserError, match=r"have changed in between: data\.fingerprint differs"):
        over([*runs, changed])


def test_without_fingerprints_the_configuration_tells():
    assert over([run(config(s), data={}) for s in (1, 2)]).groups[0].of == 2
    runs = [run(config(data={"_target_": "d", "noise": n}), data={}) for n in (0.1, 0.5)]
    with pytest.raises(UserError, match=r"data\.noise is 0\.1 \(1 runs\)"):
        over(runs)


def test_runs_with_different_metrics_are_an_error():
    other = run(config(9), monitor="val/mse", metrics={"test/mse": 1.0})
    with pytest.raises(UserError, match=r"different metrics: val/f1 \(2 runs\), val/mse \(1 runs"):
        over([*sweep(lr0_1=LOW[:2]), other])


def test_a_metric_that_some_lack_is_an_error_that_names_them():
    other = run(config(9), metrics={"test/mse": 1.0, "test/loss": 0.1}, name="other")
    message = r"1 of 3 runs have no test/f1: other\. All have test/loss"
    with pytest.raises(UserError, match=message):
        over([*sweep(lr0_1=LOW[:2]), other], metric="f1")


def test_a_metric_that_none_has_is_an_error_with_the_nearest():
    with pytest.raises(UserError, match=r"no run has the metric fl1\. Did you mean f1\? All have"):
        over(sweep(lr0_1=LOW), metric="fl1")


def test_without_a_finished_run_it_says_so():
    runs = [run(config(1), status="STALE", name="a")]
    with pytest.raises(UserError, match="none of the 1 runs of these has finished: a is STALE"):
        over(runs)


def test_a_sweep_whose_jobs_never_began_says_why():
    with pytest.raises(UserError, match=r"these holds no runs that have begun: seed=1 \(why\)"):
        compare(Selection("these", [], [("seed=1", "why")]))


@pytest.mark.parametrize("asked", ["lr=0.1", "0.1", "1e-1", "optimizer.lr=0.1"])
def test_a_baseline_by_name_or_value(asked):
    assert over(sweep(lr0_1=LOW, lr0_01=HIGH), baseline=asked).baseline == "lr=0.1"


def two_factors():
    return [
        run(config(s, lr, model={"_target_": f"m.{m}"}), 0.5 + s / 100 + lr)
        for m in ("MLP", "UNet")
        for lr in (0.1, 0.2)
        for s in (1, 2)
    ]


def test_a_baseline_of_several_factors():
    found = over(two_factors(), baseline="model=mlp,lr=0.1")
    assert found.baseline == "model=MLP, lr=0.1"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("mlp", r"--baseline mlp is any of 2 groups\. There are: model=MLP, lr=0\.2; model=MLP"),
        ("model=MLP, lr=0.3", r"is none of the groups\. Did you mean 'model=MLP, lr=0\.[12]'\?"),
    ],
)
def test_a_baseline_that_is_no_group_is_an_error(asked, message):
    with pytest.raises(UserError, match=message):
        over(two_factors(), baseline=asked)


@pytest.mark.parametrize("asked", ["lr=0.1", "optimizer.lr=1e-1", "lr=0.1,0.3"])
def test_filters_choose(asked):
    found = over(sweep(lr0_1=LOW, lr0_01=HIGH), filters=[asked])
    assert [group.values for group in found.groups] == [LOW]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("lr", "--filter lr: expected KEY=VALUE"),
        ("lr=7", r"--filter lr=7 leaves no run: optimizer\.lr is 0\.01, 0\.1"),
        ("rl=7", r"--filter rl: no run has that key"),
    ],
)
def test_filters_that_are_none_are_errors(asked, message):
    with pytest.raises(UserError, match=message):
        over(sweep(lr0_1=LOW, lr0_01=HIGH), filters=[asked])


@pytest.mark.parametrize("key", ["seed", "data.split_seed", "split_seed"])
def test_seeds_are_no_groups(key):
    with pytest.raises(UserError, match=f"--by {key}: runs that differ in .* are repetitions"):
        over(sweep(lr0_1=LOW), by=[key])
