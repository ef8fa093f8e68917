"""A trained run answers on new data as it does on its own, whether these are still there or not."""

import json
from shutil import copytree

import numpy as np
import pandas as pd
import pytest
import torch
from losslab.analysis.evaluate import cut
from losslab.analysis.predict import Predictor
from losslab.analysis.rebuild import restore
from losslab.analysis.threshold import read_rule
from losslab.data import Spec, split_indices
from losslab.errors import UserError
from losslab.training.report import Report
from losslab.training.run import run
from losslab.training.together import train_together
from small_predictors import predictor
from small_runs import job


@pytest.fixture(scope="module")
def houses():
    rng = np.random.default_rng(0)
    area, town = rng.normal(100, 20, 80), rng.choice(["Aarau", "Basel", "Chur"], 80)
    frame = pd.DataFrame({"id": range(80), "area": area, "town": town})
    frame["price"] = 5 * area + 50 * (town == "Chur") + rng.normal(0, 5, 80)
    frame["sold"] = np.where(area + rng.normal(0, 10, 80) > 105, "yes", "no")
    return frame


@pytest.fixture(scope="module")
def folder(houses, tmp_path_factory):
    """Where the houses are, and the runs on them."""
    made = tmp_path_factory.mktemp("runs")
    houses.to_csv(made / "houses.csv", index=False)
    return made


def job_on(folder, name, target, *words):
    other = "sold" if target == "price" else "price"
    path = f"data.path={folder / 'houses.csv'}"
    data = ["data=csv", path, f"data.target={target}", f"data.drop=[id,{other}]"]
    return job(folder, name, *data, *words)


@pytest.fixture(scope="module")
def priced(folder):
    """A run that tells prices."""
    made = job_on(folder, "priced", "price", "loss=huber")
    run(made.config, made.run_dir)
    return made


@pytest.fixture(scope="module")
def sold(folder):
    """A run that tells whether a house is sold."""
    made = job_on(folder, "sold", "sold", "loss=bce")
    run(made.config, made.run_dir)
    return made


def reading(made, path):
    """The run's configuration with its data elsewhere."""
    return {**made.config, "data": {**made.config["data"], "path": str(path)}}


def test_predictions_are_those_that_are_evaluated(priced, houses):
    rows = houses.iloc[split_indices(80)["test"].numpy()]
    found = Predictor.of(priced.config, priced.run_dir).frame(rows)
    parts, loop = restore(priced.config, priced.run_dir)
    with loop.step.evaluating():
        (outputs,) = [loop.step.evaluate(b, loop.end)[0] for b in loop.batches("test")]
    own = outputs["prediction"][:, 0].double() * parts.spec.scale[0] + parts.spec.offset[0]
    assert found["prediction"].tolist() == pytest.approx(own.tolist(), rel=1e-6)
    rmse = ((found["prediction"] - rows["price"]) ** 2).mean() ** 0.5
    assert rmse == pytest.approx(loop.evaluate("test")["rmse"], rel=1e-6)
    assert (found.index == rows.index).all()


def test_a_chosen_threshold_is_that_of_evaluate(sold, houses):
    rule = read_rule("recall>=0.8")
    asked = Predictor.of(sold.config, sold.run_dir, threshold=rule)
    judged = cut(*restore(sold.config, sold.run_dir), "test", rule)
    assert asked.cut == pytest.approx(judged.cut)
    assert asked.threshold == pytest.approx(judged.threshold)
    split = split_indices(80, strata=torch.tensor(houses["sold"] == "yes"))
    rows = houses.iloc[split["test"].numpy()]
    answered = asked.frame(rows)["prediction"] == "yes"
    recall = answered[rows["sold"] == "yes"].mean()
    assert recall == pytest.approx(judged.values["recall"])


def test_a_given_threshold_needs_no_training_data(sold, houses, tmp_path):
    gone = reading(sold, tmp_path / "houses.csv")
    asked = Predictor.of(gone, sold.run_dir, "last", read_rule("0.6"))
    assert asked.threshold == pytest.approx(0.6)
    found = asked.frame(houses)
    assert ((found["prediction"] == "yes") == (found["probability_yes"] > 0.6)).all()
    with pytest.raises(UserError, match=r"there is no file houses.csv"):
        Predictor.of(gone, sold.run_dir, threshold=read_rule("best_f1"))


def test_other_data_in_the_training_file_change_nothing(priced, houses, tmp_path):
    path = tmp_path / "houses.csv"
    houses.assign(area=houses["area"] * 1000).to_csv(path, index=False)
    found = Predictor.of(reading(priced, path), priced.run_dir).frame(houses)
    before = Predictor.of(priced.config, priced.run_dir).frame(houses)
    pd.testing.assert_frame_equal(found, before)


def test_a_run_that_kept_nothing_asks_its_data(priced, houses, tmp_path):
    copytree(priced.run_dir, tmp_path / "run")
    (tmp_path / "run" / "data.json").unlink()
    found = Predictor.of(priced.config, tmp_path / "run").frame(houses)
    before = Predictor.of(priced.config, priced.run_dir).frame(houses)
    pd.testing.assert_frame_equal(found, before)


@pytest.mark.usefixtures("as_one_program")
def test_runs_trained_as_one_program_keep_each_its_own(folder, houses):
    jobs = [
        job_on(folder, f"run{i}", "price", "loss=mse", f"data.split_seed={i}") for i in range(2)
    ]
    train_together(jobs, Report())
    kept = [Predictor.of(one.config, one.run_dir) for one in jobs]
    for one, asked in zip(jobs, kept, strict=True):
        (one.run_dir / "data.json").unlink()
        again = Predictor.of(one.config, one.run_dir)
        assert asked.spec == again.spec
        assert torch.equal(asked.encode(houses), again.encode(houses))
    assert not torch.equal(kept[0].encode(houses), kept[1].encode(houses))


def test_answers_come_in_batches_that_make_no_difference(priced, houses):
    asked = Predictor.of(priced.config, priced.run_dir)
    assert asked.columns == ["area", "town"]
    assert not asked.model.training
    inputs = asked.encode(houses)
    parts = [asked.answers(part)["prediction"] for part in inputs.split(13)]
    torch.testing.assert_close(asked.answers(inputs)["prediction"], torch.cat(parts))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": "area"}, "the model was trained with are missing: area"),
        ({"area": "big"}, "text in columns that held numbers in training: area 80"),
        ({"area": np.nan}, "missing values: area 80. Training filled none in"),
        ({"area": np.inf}, "infinite or beyond single precision: area 80"),
    ],
    ids=["no column", "text", "missing", "infinite"],
)
def test_tables_that_can_not_be_encoded(priced, houses, change, message):
    new = houses.drop(columns=change["drop"]) if "drop" in change else houses.assign(**change)
    with pytest.raises(UserError, match=message):
        Predictor.of(priced.config, priced.run_dir).encode(new)


def test_a_run_on_images_encodes_no_table(tmp_path):
    made = job(tmp_path, "run", "data=power_angle", "data.samples=20", "data.size=8", "loss=mse")
    run(made.config, made.run_dir)
    asked = Predictor.of(made.config, made.run_dir)
    with pytest.raises(UserError, match="images of 8 × 8 pixels and 1 channel, not tables"):
        asked.encode(pd.DataFrame())


def test_a_reader_of_its_own_is_refused(priced, tmp_path):
    copytree(priced.run_dir, tmp_path / "run")
    path = tmp_path / "run" / "data.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "table": None}))
    with pytest.raises(UserError, match="bring a reader of their own: losslab predict needs the"):
        Predictor.of(priced.config, path.parent)


def test_actions_are_no_answers(tmp_path):
    made = job(tmp_path, "run", "data=bandit", "loss=policy_gradient")
    with pytest.raises(UserError, match="actions in an environment, which new data do not have"):
        Predictor.of(made.config, made.run_dir)


def test_a_model_that_asks_for_more_than_an_input(priced, tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Linear):\n"
        "    def __init__(self, in_features, outputs): super().__init__(in_features, outputs)\n"
        "    def forward(self, input, target): return super().forward(input)\n"
    )
    config = {**priced.config, "model": {"_target_": f"{tmp_path / 'net.py'}:Net"}}
    with pytest.raises(UserError, match="asks for target: the batch gives input alone"):
        Predictor.of(config, priced.run_dir)


def test_a_model_that_can_not_take_the_input():
    """As one that looks its items up by number."""

    class Items(torch.nn.Module):
        def forward(self, input):
            return torch.zeros(5, 1)[input[:, 0]]

    asked = predictor(Spec((1,), "real", 1), Items())
    with pytest.raises(
        UserError, match=r"can't take input \[3, 1\] of torch.float32: tensors used"
    ):
        asked.answers(torch.ones(3, 1))
