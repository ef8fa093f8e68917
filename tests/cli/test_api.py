"""The command line as Python functions: comparing."""

import subprocess
import sys

import losslab
import pytest
from kept_runs import keep_sweep
from losslab.errors import UserError
from scipy import stats


@pytest.fixture
def sweep(workdir):
    return keep_sweep(workdir / "outputs", {0.01: [0.5, 0.61, 0.55], 0.1: [0.7, 0.72, 0.8]})


def test_compare_is_what_the_command_computes(sweep):
    found = losslab.compare(baseline="0.01")
    best, base = found.groups
    assert (found.metric, found.mode, found.factors) == ("test/f1", "max", ["lr"])
    assert (best.name, best.values, best.best) == ("lr=0.1", [0.7, 0.72, 0.8], True)
    assert best.mean == pytest.approx(0.74)
    expected = stats.ttest_rel(best.values, base.values)
    assert best.p == pytest.approx(expected.pvalue)
    assert best.versus.difference == pytest.approx(best.mean - base.mean)


def test_one_word_or_several_may_be_given(sweep):
    one = losslab.compare(sweep.name, by="lr", filters="seed=1,2")
    several = losslab.compare([sweep.name], by=["optimizer.lr"], filters=["seed=1,2"])
    assert [group.values for group in one.groups] == [group.values for group in several.groups]
    assert len(one.groups[0].values) == 2


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"interval": "z"}, "--interval must be t or bootstrap; got z"),
        ({"metric": "nope"}, "no run has the metric nope"),
        ({"runs": "sweep-zzz"}, "no sweep 'sweep-zzz'"),
    ],
    ids=["interval", "metric", "run"],
)
def test_compare_says_what_was_wrong(sweep, asked, text):
    with pytest.raises(UserError, match=text):
        losslab.compare(**asked)


def test_nothing_heavy_is_imported_until_it_is_used():
    code = (
        "import losslab, sys; losslab.compare; print({'torch', 'scipy', 'mlflow'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
