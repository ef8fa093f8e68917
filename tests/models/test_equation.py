"""Equations between two functions of one's own."""

import pytest
import torch
from losslab.models import Equation

X = torch.tensor([[1.0, 4.0], [2.0, 5.0]])


def line(x, slope=2.0, height=1.0):
    return slope * x[:, 0] + height


def other(x, slope=2.0):
    return slope * x[:, 1]


def test_both_sides_share_a_parameter_of_one_name():
    model = Equation(line, other)
    assert [name for name, _ in model.named_parameters()] == ["theta.slope", "theta.height"]
    sides = model(X)
    (sides["prediction"] - sides["target"]).sum().backward()
    assert model.theta["slope"].grad.item() == (1 - 4) + (2 - 5)
    assert model.theta["height"].grad.item() == 2


def test_one_side_is_fitted_to_the_target_of_the_data():
    assert Equation(line)(X).tolist() == [[3.0], [5.0]]


def test_a_start_takes_the_place_of_a_default():
    assert Equation(line, other, start={"slope": 0.0})(X)["prediction"].tolist() == [[1.0], [1.0]]


REFUSED = [
    (lambda x, a: a * x, None, None, "a needs a number to start from: give it as a default"),
    (lambda x: x, None, None, "the equation's parameters are none: a side takes x"),
    (line, lambda x, slope=3.0: x, None, "the two sides start slope at 2.0 and at 3.0"),
    (line, other, {"slop": 1.0}, "start names slop; the equation's parameters are slope, height"),
]


@pytest.mark.parametrize(
    ("left", "right", "start", "text"), REFUSED, ids=["no start", "none", "two", "unknown"]
)
def test_what_is_no_equation_is_refused(left, right, start, text):
    with pytest.raises(ValueError, match=text):
        Equation(left, right, start=start)


MINE = """
def f1(x, a=1.0):
    return a * x[:, 0]

def f2(x, b=1.0):
    return b + 2 * x[:, 0]

def curve(x, a=1.0, b=0.0):
    return a * x[:, 0] + b
"""


def test_functions_of_ones_own_file_are_found(cli, workdir):
    (workdir / "mine.py").write_text(MINE)
    base = ["train", "model=equation", "tracking=none", "trainer=debug"]
    outcome = cli(*base, "model.left=./mine.py:f1", "model.right=./mine.py:f2")
    assert outcome.code == 0, outcome
    outcome = cli(*base, "model.left=./mine.py:f3")
    assert outcome.code == 2
    assert "'./mine.py:f3' names nothing: no f3" in outcome.err


def test_a_curve_is_fitted_to_a_table(cli, workdir):
    (workdir / "mine.py").write_text(MINE)
    rows = [f"{x / 10},{3 * x / 10 + 1}" for x in range(40)]
    (workdir / "t.csv").write_text("\n".join(["x,y", *rows]))
    outcome = cli(
        *("train", "model=equation", "model.left=./mine.py:curve", "model.right=null", "data=csv"),
        *("data.path=t.csv", "data.target=y", "data.standardise=false", "loss=mse"),
        *("data.standardise_target=false", "optimizer=sgd", "trainer.epochs=60", "tracking=none"),
    )
    assert outcome.code == 0, outcome
    import json

    (summary,) = workdir.glob("outputs/*/run.json")
    assert json.loads(summary.read_text())["metrics"]["test/rmse"] < 0.01
