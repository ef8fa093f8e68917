"""The MLflow model of a run, loaded as MLflow loads it."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from losslab.analysis.export import export
from losslab.analysis.predict import Predictor
from losslab.analysis.to_mlflow import compared, log, rows_of
from losslab.cli.compose import compose_config, plain
from losslab.data.encoder import Encoder
from losslab.data.standardise import Scaling
from losslab.errors import UserError
from losslab.training.run import run
from mlflow.exceptions import MlflowException
from small_runs import config_of


def houses(rows=80):
    """Numbers, whole numbers with gaps, text and truth values."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "area": rng.normal(100, 20, rows),
            "rooms": np.where(rng.random(rows) < 0.1, np.nan, rng.integers(1, 8, rows)),
            "town": rng.choice(["Aarau", "Basel", "Chur"], rows),
            "garden": rng.choice([True, False], rows),
            "price": rng.normal(500, 100, rows),
        }
    )


def train(folder, *overrides):
    run_dir = folder / "run"
    run_dir.mkdir()
    config = config_of(*overrides)
    run(config, run_dir)
    return config, run_dir


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A run on the houses, its MLflow model, and that model as loaded without the run."""
    folder = tmp_path_factory.mktemp("table")
    houses().to_csv(folder / "houses.csv", index=False)
    words = [f"data.path={folder}/houses.csv", "data.target=price", "data.missing=mean"]
    trained = train(folder, "data=csv", *words, "loss=mse")
    predictor = Predictor.of(*trained)
    (found,) = export(*trained, ["mlflow"], folder / "exports")
    (folder / "houses.csv").unlink()
    trained[1].rename(folder / "gone")
    return predictor, found, mlflow.pyfunc.load_model(str(found.path))


def test_a_table_is_answered_as_by_the_run_itself(table):
    predictor, found, model = table
    assert found.difference <= 1e-6 * 500
    new = houses(30).drop(columns="price").assign(town="Bern", id=range(30))
    answers = model.predict(new)
    pd.testing.assert_frame_equal(answers, predictor.frame(new), rtol=1e-6)
    assert [*answers] == ["prediction"]
    assert 300 < answers["prediction"].mean() < 700  # in the data's unit


@pytest.mark.parametrize(
    "types",
    [
        {"area": "int64"},
        {"area": "float32", "rooms": "Int64"},
        {"area": "str", "garden": "str"},
        {"area": object, "garden": object},
    ],
    ids=["whole numbers", "other numbers", "text", "objects"],
)
def test_a_column_may_come_as_any_type_of_its_values(table, types):
    predictor, _, model = table
    new = houses(30).drop(columns="price").round({"area": 0})
    answers = model.predict(new.astype(types))
    assert new["garden"].dtype == bool
    pd.testing.assert_frame_equal(answers, predictor.frame(new), rtol=1e-6)


def test_what_is_read_from_a_file_is_answered_as_it_is(table, tmp_path):
    new = houses(30).drop(columns="price").round({"area": 0}).astype({"area": int})
    new["rooms"] = new["rooms"].fillna(3).astype(int)
    new.to_csv(tmp_path / "new.csv", index=False)
    read = pd.read_csv(tmp_path / "new.csv")
    assert [str(read[name].dtype) for name in ("area", "rooms", "garden")] == [
        *["int64"] * 2,
        "bool",
    ]
    answers = table[2].predict(read)
    pd.testing.assert_frame_equal(answers, table[0].frame(new), rtol=1e-6)


def test_numbers_where_training_had_text_are_refused(table):
    with pytest.raises(MlflowException, match="Incompatible input types for column town"):
        table[2].predict(houses(3).assign(town=7))


def test_its_signature_and_example_are_those_of_the_raw_table(table):
    _, found, model = table
    inputs = {column.name: str(column.type) for column in model.metadata.signature.inputs}
    assert inputs == {
        "area": "Any",
        "rooms": "Any",
        "town": "DataType.string",
        "garden": "Any",
    }
    assert [column.name for column in model.metadata.signature.outputs] == ["prediction"]
    example = json.loads((found.path / "input_example.json").read_text())
    assert example["columns"] == ["area", "rooms", "town", "garden"]
    assert len(example["data"]) == 5
    assert (houses()["area"] - example["data"][0][0]).abs().min() <= 1e-4


@pytest.mark.parametrize("standardised", [True, False])
def test_an_example_has_the_numbers_of_the_table_back(standardised):
    rows = [[0.0, 15.85, 782.7, 1e-12, 3e8], [2.0, 10.1, 1500.0, 3e-12, 4e8], [3.0, 9, 1, 0, 5e8]]
    numbers = torch.tensor(rows, dtype=torch.float64)
    scaling = Scaling.fit(numbers) if standardised else None
    encoder = Encoder(tuple("abcde"), {"town": ("Aarau", "Basel")}, {}, scaling)
    towns = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    features = torch.cat([scaling(numbers) if scaling else numbers.float(), towns], 1)
    frame = rows_of(encoder, features)
    assert frame[[*"abcde"]].to_numpy().tolist() == rows
    assert frame["town"].tolist() == ["Aarau", "Basel", "?"]
    assert "-0.0" not in frame.to_csv()


def test_it_says_what_it_needs_and_where_it_is_from(table):
    _, found, model = table
    required = (found.path / "requirements.txt").read_text()
    assert "torch==" in required
    assert "losslab" not in required
    assert model.metadata.metadata["from"] == "run run, best checkpoint"
    assert set(model.metadata.metadata) == {"losslab", "from"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="town"), "missing inputs"),
        (lambda frame: frame.assign(area=np.inf), "infinite"),
    ],
    ids=["a column missing", "infinite"],
)
def test_what_can_not_be_answered_is_said(table, change, message):
    new = houses(3).astype({"garden": str})
    with pytest.raises(MlflowException, match=message):
        table[2].predict(change(new))


@pytest.mark.parametrize(
    ("words", "answer", "shape"),
    [
        (["model=unet", "data.samples=40", "data.size=16"], "probability", (3, 16, 16)),
        (
            ["model=unet", "data=touching_cells", "data.samples=40", "data.size=16",
             "loss=cross_entropy"],
            "probability",
            (3, 3, 16, 16),
        ),
        (["model=vae", "loss=[reconstruction,gaussian_kl]"], "reconstruction", (3, 1, 8, 8)),
    ],
    ids=["binary mask", "classes mask", "reconstruction"],
)  # fmt: skip
def test_images_are_answered_by_name(workdir, words, answer, shape):
    trained = train(workdir, *words)
    (found,) = export(*trained, ["mlflow"], workdir / "exports")
    model = mlflow.pyfunc.load_model(str(found.path))
    images = torch.rand(3, *Predictor.of(*trained).spec.input_shape).numpy()
    answers = model.predict(images)
    assert answers[answer].shape == shape
    assert answers[answer].min() >= 0
    assert answers[answer].max() <= 1
    assert model.metadata.signature.inputs.inputs[0].shape == (-1, *images.shape[1:])


def test_one_answer_per_image_is_a_row_of_labels(workdir):
    trained = train(workdir, "data=digits", "loss=cross_entropy")
    (found,) = export(*trained, ["mlflow"], workdir / "exports")
    images = torch.rand(3, 1, 8, 8)
    predictor = Predictor.of(*trained)
    model = mlflow.pyfunc.load_model(str(found.path))
    answers = model.predict(images.numpy())
    pd.testing.assert_frame_equal(answers, predictor.decode(predictor.answers(images)))
    outputs = {column.name: str(column.type) for column in model.metadata.signature.outputs}
    assert outputs["prediction"] == "DataType.long"
    assert outputs["probability_9"] == "DataType.double"


def test_images_of_files_are_standardised_as_the_runs_own(workdir):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (workdir / "cells" / name).mkdir(parents=True)
    for i in range(20):
        pixels = rng.integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(workdir / "cells" / "images" / f"{i}.png")
        mask = 255 * (pixels > 128).astype(np.uint8)
        Image.fromarray(mask).save(workdir / "cells" / "masks" / f"{i}.png")
    words = ["data=images", "data.path=cells", "data.workers=0", "loss=bce", "model.depth=1"]
    trained = train(workdir, "model=unet", *words)
    (found,) = export(*trained, ["mlflow"], workdir / "exports")
    predictor = Predictor.of(*trained)
    assert predictor.images.scaling is not None
    path = workdir / "cells" / "images" / "3.png"
    expected = predictor.answers(predictor.images.read([path]))["logits"].sigmoid()[:, 0]
    pixels = np.asarray(Image.open(path), np.float32)[None, None] / 255
    answers = mlflow.pyfunc.load_model(str(found.path)).predict(pixels)
    np.testing.assert_allclose(answers["probability"], expected, atol=1e-6)


def test_a_run_that_acts_is_not_served(workdir):
    small = ["data.actions=4", "data.samples=64", "data.val=8", "data.test=8"]
    trained = train(workdir, "data=bandit", "loss=policy_gradient", *small)
    with pytest.raises(UserError, match="answers are actions in an environment"):
        export(*trained, ["mlflow"], workdir / "exports")
    assert not (workdir / "exports").exists()


def test_a_model_that_takes_no_numbers_of_a_table_is_not_served(workdir):
    pairs = ["data=item_pairs", "model=losslab.experiments.correlation.TwoLists", "loss=pearson"]
    short = ["trainer.epochs=1", "tracking=none", "trainer.device=cpu"]
    config = plain(compose_config([*pairs, *short]))
    run_dir = workdir / "run"
    run_dir.mkdir()
    run(config, run_dir)
    with pytest.raises(UserError, match=r"can.t take input .* tensors used as indices"):
        export(config, run_dir, ["mlflow"], workdir / "exports")
    assert not (workdir / "exports").exists()


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"prediction": ["yes", "no"]}, "prediction differs, no is yes"),
        ({"prediction": ["no", "no"], "probability_yes": [0.2, 0.31]}, "probability_yes differs"),
        ({"prediction": ["no", "no"], "probability_yes": [0.2, np.nan]}, "probability_yes differs"),
    ],
    ids=["labels", "numbers", "no number"],
)
def test_answers_that_differ_are_an_error(found, text):
    expected = pd.DataFrame({"prediction": ["no", "no"], "probability_yes": [0.2, 0.3]})
    with pytest.raises(UserError, match=f"so it is not kept: {text}"):
        compared(found, expected)


# At the run, in its store


@pytest.fixture
def tracked(store, workdir):
    from losslab.training.tracker import STATE, connect, write_json

    client, experiment = connect(store, "losslab")
    made = client.create_run(experiment, run_name="run")
    client.set_terminated(made.info.run_id, "FINISHED", end_time=1)
    run_dir = workdir / "run"
    run_dir.mkdir()
    state = {"uri": store, "experiment": "losslab", "run_id": made.info.run_id}
    write_json(run_dir / STATE, state)
    (workdir / "saved").mkdir()
    (workdir / "saved" / "MLmodel").write_text("flavors: {}\n")
    return client, made.info, run_dir


def test_a_tracked_run_has_the_model_among_its_own(tracked, workdir):
    client, info, run_dir = tracked
    address = log(workdir / "saved", run_dir, "MLP 1.5")
    model = client.get_logged_model(address.removeprefix("models:/"))
    assert (model.name, model.source_run_id, model.status) == ("MLP 1-5", info.run_id, "READY")
    run = client.get_run(info.run_id)
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    assert (run.info.status, run.info.end_time) == ("FINISHED", 1)  # the run is over, and stays so
    files = client.list_logged_model_artifacts(model.model_id)
    assert [file.path for file in files] == ["MLmodel"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"run_id": None}, "has not got the run yet; the next losslab train here sends it"),
        ({"uri": "sqlite:///gone/mlflow.db"}, "gone/mlflow.db is not there any more"),
        ({"uri": "http://127.0.0.1:9"}, "the store http://127.0.0.1:9 says .*127.0.0.1"),
    ],
    ids=["not sent", "gone", "away"],
)
def test_a_store_that_is_away_is_said(tracked, workdir, monkeypatch, changes, message):
    from losslab.training.tracker import State

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    State(tracked[2]).update(**changes)
    with pytest.raises(UserError, match=message):
        log(workdir / "saved", tracked[2], "MLP")


def test_an_untracked_run_has_no_store(workdir):
    assert log(workdir, workdir, "MLP") == ""
