"""`losslab predict`: what is printed and written, and what is refused."""

from shutil import copytree

import numpy as np
import pandas as pd
import pytest
from losslab.training.run import run
from PIL import Image
from small_runs import job

QUICK = ["trainer.epochs=2", "tracking=none", "-q"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    words = ["data=breast_cancer", "loss=bce", "optimizer.lr=0.01"]
    made = job(tmp_path_factory.mktemp("runs"), "tumours", *words)
    run(made.config, made.run_dir)
    return made.run_dir


@pytest.fixture
def table(workdir, trained):
    """A file that can be asked about, and a run on such data."""
    copytree(trained, workdir / "outputs" / "tumours")
    from sklearn.datasets import load_breast_cancer

    shipped = load_breast_cancer(as_frame=True)
    shipped.data.assign(case=range(569)).to_csv("new.csv", index=False)
    return shipped


def test_a_table_and_what_is_said(cli, table):
    outcome = cli("predict", "last", "new.csv")
    assert outcome.code == 0, outcome
    first, wrote, following = outcome.out.splitlines()
    assert first == "tumours, best checkpoint, yes above 0.5"
    assert wrote == ("wrote predictions/new.csv: 569 rows, with prediction, probability_benign")
    assert following == "next: losslab evaluate tumours   losslab export tumours"
    found = pd.read_csv("predictions/new.csv")
    assert [*found.columns[-3:]] == ["case", "prediction", "probability_benign"]
    assert ((found["prediction"] == "benign") == (found["probability_benign"] > 0.5)).all()
    assert ((found["prediction"] == "benign") == table.target).mean() > 0.9


def test_a_threshold_chosen_as_by_evaluate(cli, table):
    outcome = cli("predict", "last", "new.csv", "--threshold", "best_f1", "-o", "out")
    assert outcome.code == 0, outcome
    evaluated = cli("evaluate", "last", "--threshold", "best_f1").out.splitlines()[1]
    assert outcome.out.splitlines()[0].split()[-1] == evaluated.split()[1]
    given = cli("predict", "last", "new.csv", "--threshold", "0.9", "-o", "sure")
    assert given.out.splitlines()[0].endswith("yes above 0.9")
    sure = pd.read_csv("sure/new.csv")
    assert ((sure["prediction"] == "benign") == (sure["probability_benign"] > 0.9)).all()


def test_digits_as_a_table_and_as_images(cli, workdir):
    from sklearn.datasets import load_digits

    shipped = load_digits(as_frame=True)
    shipped.data.to_parquet("digits.parquet")
    (workdir / "pictures").mkdir()
    for i, image in enumerate(shipped.images[:5]):
        pixels = np.round(image * 255 / 16).astype(np.uint8)
        Image.fromarray(pixels).save(f"pictures/{i}.png")
    assert cli("train", "model=mlp", "data=digits", "loss=cross_entropy", *QUICK).code == 0
    outcome = cli("predict", "last", "digits.parquet", "pictures")
    assert outcome.code == 0, outcome
    rows = pd.read_parquet("predictions/digits.parquet")
    assert (rows["prediction"] == shipped.target).mean() > 0.8
    images = pd.read_csv("predictions/predictions.csv")
    assert images["file"].tolist() == [f"{i}.png" for i in range(5)]
    assert images["probability_7"].tolist() == pytest.approx(
        rows["probability_7"][:5].tolist(), abs=0.02
    )


def test_masks_of_a_run_on_a_folder(cli, workdir):
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (workdir / "cells" / name).mkdir(parents=True)
    for i in range(12):
        mask = 255 * (rng.random((8, 8)) < 0.3).astype(np.uint8)
        noise = rng.integers(0, 60, (8, 8), dtype=np.uint8)
        Image.fromarray(mask).save(f"cells/masks/{i}.png")
        Image.fromarray(np.where(mask, 255 - noise, noise)).save(f"cells/images/{i}.png")
    words = ["data=images", "data.path=cells", "model=unet", "model.width=4", "loss=bce"]
    assert cli("train", *words, *QUICK, "trainer.epochs=20", "optimizer.lr=0.02").code == 0
    (workdir / "cells" / "masks").rename(workdir / "elsewhere")
    outcome = cli("predict", "last", "cells/images", "--probabilities")
    assert outcome.code == 0, outcome
    assert outcome.out.splitlines()[1] == (
        "wrote predictions/0.png, predictions/0.npy, predictions/1.png and 21 more: "
        "12 images: masks of 0, 255; arrays of probabilities"
    )
    found = [np.asarray(Image.open(f"predictions/{i}.png")) for i in range(12)]
    wanted = [np.asarray(Image.open(f"elsewhere/{i}.png")) for i in range(12)]
    assert np.mean(np.array(found) == np.array(wanted)) > 0.9
    assert np.array_equal(np.load("predictions/3.npy") > 0.5, found[3] > 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["last", "none.csv"], "there is no file none.csv in"),
        (["last", "new.csv", "--checkpoint", "x"], "--checkpoint must be best or last; got x"),
        (["last", "new.csv", "--threshold", "2"], "the number must lie between 0 and 1"),
        (["lost", "new.csv"], "no run 'lost'"),
        (["last", "new.csv", "-o", "new.csv"], "-o new.csv is a file: expected a folder"),
        (
            ["last", "."],
            "is a folder; this run wants a .csv or .parquet table with the columns",
        ),
    ],
    ids=["no file", "checkpoint", "threshold", "run", "output", "folder"],
)
def test_what_is_refused(cli, table, words, message):
    outcome = cli("predict", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["model=vae", "model.width=8"],
            "and no logits: it answers no question about a class",
        ),
        (["data=diabetes", "model=linear", "loss=mse"], "here the target is real, which has no"),
    ],
    ids=["vae", "threshold of a number"],
)
def test_runs_without_such_an_answer(cli, workdir, words, message):
    from sklearn.datasets import load_diabetes, load_digits

    load_digits(as_frame=True).data.join(load_diabetes(as_frame=True).data, how="inner").to_csv(
        "new.csv", index=False
    )
    assert cli("train", *words, *QUICK).code == 0
    threshold = [] if "model=vae" in words else ["--threshold", "0.3"]
    outcome = cli("predict", "last", "new.csv", *threshold)
    assert outcome.code == 2
    assert message in outcome.err
    assert not (workdir / "predictions").exists()
