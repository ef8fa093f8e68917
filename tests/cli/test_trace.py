"""`losslab trace`: what it prints, its JSON, its picture, its mistakes, and the same in Python."""

import json

import losslab
import pytest
from losslab.cli.trace_table import cells
from losslab.errors import UserError
from torch import arange, tensor

LINE = ["data=values", "data.input=[1,2]", "data.target=[3,-1]", "model=linear", "loss=mse"]
SGD = ["optimizer=sgd", "optimizer.lr=0.1", "optimizer.momentum=0", "optimizer.nesterov=false"]
START = "initial_weights={weight: [[2]], bias: [0]}"
TRACED = ["trace", *LINE, *SGD, START]


def test_one_step_is_printed_number_by_number(cli):
    # Predictions 2 and 4, errors −1 and 5, and so are their gradients; W: −1·1 + 5·2 = 9, b: 4.
    # After the step the errors are −2.3 and 2.8: (5.29 + 7.84) / 2 = 6.565.
    outcome = cli(*TRACED)
    assert outcome.code == 0
    assert outcome.out == (
        "mse · Linear (2 weights) · values (2 rows) · SGD · lr 0.1\n"
        "\n"
        "forward\n"
        "  input                                1\n"
        "                                       2\n"
        "  target                                3\n"
        "                                       −1\n"
        "  prediction = model = Linear(input)   2\n"
        "                                       4\n"
        "  loss of each                          1\n"
        "                                       25\n"
        "  loss                                 13\n"
        "\n"
        "backward\n"
        "  ∂loss/∂prediction                    −1\n"
        "                                        5\n"
        "                                       = prediction − target\n"
        "  ∂loss/∂weight                        9\n"
        "                                       = (∂loss/∂prediction)ᵀ · input\n"
        "  ∂loss/∂bias                          4\n"
        "\n"
        "update\n"
        "  with                                 W − lr · gradient\n"
        "  weight                               2\n"
        "  weight, change                       −0.9\n"
        "  weight, after                        1.1\n"
        "  bias                                 0\n"
        "  bias, change                         −0.4\n"
        "  bias, after                          −0.4\n"
        "  loss after                           6.565\n"
    )


def test_further_steps_are_a_row_each(cli):
    lines = cli(*TRACED, "--steps", "3").out.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("step"))
    assert lines[head].split() == ["step", "loss", "|gradient|", "weight", "bias"]
    assert [line.split()[0] for line in lines[head + 1 :]] == ["0", "1", "2", "3"]
    assert lines[head + 1].split() == ["0", "13", "9.849", "2", "0"]


def test_what_stands_beside_it_has_a_column_of_its_own(cli):
    text = cli(*TRACED, "--beside", "loss=l1", "--beside", "loss=huber loss.huber.delta=2").out
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "l1 huber" in lines[2]
    assert "prediction = model = Linear(input) 2 same same" in lines
    assert "loss 13 3 4.25" in lines


def test_variants_of_a_number_are_told_by_it(cli):
    data = json.loads(cli(*TRACED, "--beside", "optimizer.lr=0.2", "--json").out)
    assert [trace["label"] for trace in data["traces"]] == ["lr 0.1", "lr 0.2"]
    words = ["--beside", "seed=3"]  # which shows in no fact
    data = json.loads(cli(*TRACED, *words, "--json").out)
    assert data["traces"][1]["label"] == "seed=3"


def test_several_terms_have_a_row_each(cli):
    words = [*TRACED[:5], "loss=[mse,l2_norm]", "loss.l2_norm.weight=0.5", *SGD, START]
    lines = [" ".join(line.split()) for line in cli(*words).out.splitlines()]
    assert "mse 13" in lines
    assert "l2_norm 0.5 · 2" in lines  # ½ ‖W‖², the bias not counted
    assert "loss 14" in lines
    assert any(line.startswith("∂mse/∂prediction") for line in lines)


def test_json_holds_all_of_it(cli):
    (trace,) = json.loads(cli(*TRACED, "--json").out)["traces"]
    assert trace["batch"] == {"input": [[1.0], [2.0]], "target": [[3.0], [-1.0]]}
    assert trace["facts"]["optimizer"] == "SGD"
    start, end = trace["steps"]
    assert (start["loss"], start["gradients"]) == (13.0, {"weight": [[9.0]], "bias": [4.0]})
    assert end["weights"]["weight"][0] == pytest.approx([1.1])


def test_a_picture_is_written(cli, workdir):
    outcome = cli(*TRACED, "--steps", "2", "-o", "path.svg")
    assert outcome.out.endswith("wrote path.svg\n")
    assert (workdir / "path.svg").read_text().startswith("<?xml")


MISTAKES = {
    "no such choice": (["loss=msee"], [], "Did you mean mse?"),
    "no such key": (["optimizer.lrr=1"], [], "optimizer.lr"),
    "beside": ([], ["--beside", "loss=msee"], "Did you mean mse?"),
    "an open quote": ([], ["--beside", "loss='mse"], "can't read --beside"),
    "no step": ([], ["--steps", "0"], "at least 1 step; got 0"),
    "no folder": ([], ["-o", "none/path.png"], "no such folder: none"),
    "no such picture": ([], ["-o", "path.doc"], "its suffix must be one of"),
    "too large": (["data=digits", "model=mlp", "loss=cross_entropy"], [], "8,970 weights"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_with_2_and_says_what_to_do(cli, name):
    changes, options, message = MISTAKES[name]
    base = TRACED[:1] if name == "too large" else TRACED
    outcome = cli(*base, *changes, *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_nothing_to_trace(cli):
    assert cli("trace").code == 2


def test_in_python(workdir):
    trace = losslab.trace([*LINE, *SGD, START], steps=2)
    assert [round(point.loss, 3) for point in trace.points][:2] == [13, 6.565]
    assert len(losslab.trace(["experiment=descent"]).points) == 13
    with pytest.raises(UserError, match="trace what"):
        losslab.trace([])


def test_large_tables_are_cut_and_say_so():
    lines = cells(arange(200).reshape(10, 20)).splitlines()
    assert len(lines) == 9
    assert lines[0].endswith("…")
    assert lines[-1] == "… 2 more rows"
    assert cells(arange(40).reshape(10, 2, 2)).endswith("… 2 more")


def test_points_stand_below_each_other():
    assert cells(tensor([[0.5, -12.0], [-100.0, 1.25]])) == "   0.5  −12\n−100      1.25"
