"""Whatever the user gets wrong: one clear sentence, exit code 2, nothing left behind."""

import json

import numpy as np
import pytest
import torch
from refusals import assert_refused

TINY = ["model=mlp", "trainer.epochs=1", "tracking=none"]


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        pytest.param(
            ["loss=dcie"],
            ["unknown loss 'dcie'", "Did you mean dice", "losslab list loss"],
            id="loss",
        ),
        pytest.param(["model=une"], ["unknown model 'une'", "Did you mean unet"], id="model"),
        pytest.param(
            ["loss=dice+bcee"], ["unknown loss 'bcee'", "Did you mean bce"], id="one-of-several"
        ),
        pytest.param(["modle=unet"], ["unknown key modle", "Did you mean model"], id="group"),
        pytest.param(
            ["trainer.epoch=3"], ["unknown key trainer.epoch", "trainer.epochs"], id="key"
        ),
        pytest.param(
            ["trainer.metrics=[sklearn.metrics.roc_curve]"],
            ["trainer.metrics.roc_curve gives a tuple, and one number is wanted"],
            id="metric",
        ),
        pytest.param(
            ["loss.dice.smoth=1"], ["unknown key loss.dice.smoth", "loss.dice.smooth"], id="option"
        ),
        pytest.param(
            ["loss.bce.weight=1"], ["unknown key loss.bce", "loss has: dice"], id="term-not-chosen"
        ),
        pytest.param(["trainer.epochs=abc"], ["trainer.epochs", "'abc'", "Integer"], id="type"),
        pytest.param(["trainer.epochs=0"], ["trainer.epochs must be at least 1"], id="range"),
        pytest.param(["trainer.precision=fp8"], ["must be fp32 or bf16; got fp8"], id="precision"),
        pytest.param(
            ["loss.dice.smooth=abc"],
            ["loss.dice.smooth must be a number; got 'abc'"],
            id="option-type",
        ),
        pytest.param(
            ["loss.dice.per=pixel"],
            ["loss.dice.per must be one of image, batch"],
            id="option-choice",
        ),
        pytest.param(["model.width=wide"], ["model.width must be a whole number"], id="model-type"),
        pytest.param(["optimizer.lr=fast"], ["optimizer.lr must be a number"], id="lr-type"),
        pytest.param(["loss="], ["unknown loss ''", "losslab list loss"], id="empty"),
        pytest.param(["loss=math.pi"], ["math.pi is not a function"], id="not-a-function"),
        pytest.param(["++loss.foo=3"], ["loss.foo is no loss: expected a node"], id="no-loss"),
        pytest.param(["~loss.dice"], ["needs at least one term"], id="no-term"),
        pytest.param(["model=torch.nn.ReLU"], ["ReLU has nothing to train"], id="no-weights"),
        pytest.param(
            ["model=collections.Counter"], ["is not a torch.nn.Module"], id="not-a-module"
        ),
        pytest.param(["loss=torch.dist"], ["does not tell its parameters"], id="no-signature"),
        pytest.param(["loss=a.py:f+b.py:g"], ["one function can be given"], id="two-functions"),
        pytest.param(
            ["optimizer=lbfgs", "trainer.accumulate=2"], ["optimizer=lbfgs"], id="lbfgs-accumulate"
        ),
        pytest.param(["loss=[dice"], ["can't read the override 'loss=[dice'"], id="unbalanced"),
        pytest.param(["dice"], ["can't read the override 'dice'"], id="no-value"),
        pytest.param(
            ["schedule@loss.dice.weight=liner"],
            ["unknown schedule 'liner'", "linear"],
            id="schedule",
        ),
        pytest.param(
            ["schedule@loss.dice.weight=linear", "loss.dice.weight.duration=-1"],
            ["duration must be positive"],
            id="schedule-value",
        ),
        pytest.param(["data=csv"], ["data.path", "must be set"], id="missing-value"),
        pytest.param(["trainer.device=cdua"], ["is no device"], id="no-device"),
        pytest.param(["trainer.device=mps"], ["finds no such device here"], id="absent-device"),
        pytest.param(["loss=./absent.py:f"], ["no such file: absent.py"], id="no-file"),
        pytest.param(
            ["loss=gaussian_kl"],
            ["loss kl asks for 'mu', which nobody supplies", "the model gives logits"],
            id="name-nobody-supplies",
        ),
        pytest.param(
            ["loss=mse"],
            ["loss mse asks for 'prediction'", "names.prediction=NAME"],
            id="wrong-task",
        ),
        pytest.param(
            ["model=mlp", "data=small_targets", "loss=dice"],
            ["the loss can't be computed"],
            id="sizes-that-do-not-fit",
        ),
        pytest.param(
            ["model=unet", "data=breast_cancer", "loss=bce"],
            ["UNet needs in_channels", "the data supplies only input_shape"],
            id="input-that-does-not-fit",
        ),
        pytest.param(
            ["loss=cross_entropy", "data=breast_cancer", "model=mlp"], ["bce"], id="one-channel"
        ),
        pytest.param(
            ["tracking.uri=./mlruns"], ["is no store that MLflow writes runs to"], id="file-store"
        ),
        pytest.param(
            ["tracking.uri=sqlite:///no/such/folder/x.db"], ["there is no folder"], id="no-folder"
        ),
        pytest.param(["model=torch.nn.Lineer"], ["Did you mean Linear"], id="foreign-class"),
        pytest.param(["--dry-run", "-m"], ["-m can't be used here"], id="dry-sweep"),
        pytest.param(["trainer.monitor=val/nonsense"], ["val/nonsense", "val/dice"], id="monitor"),
    ],
)
def test_wrong_overrides(cli, workdir, overrides, parts):
    outcome = (
        cli("train", *overrides, "trainer.max_batches=1", "trainer.epochs=1")
        if not any(o.startswith("trainer.epochs") for o in overrides)
        else cli("train", *overrides)
    )
    assert_refused(outcome, *parts, workdir=workdir)


def write_table(path, rows=60, **columns):
    generator = np.random.default_rng(0)
    table = {"a": generator.normal(size=rows), "b": generator.normal(size=rows)}
    table["y"] = (table["a"] > 0).astype(int)
    table |= columns
    lines = [",".join(table)]
    lines += [",".join(str(v) for v in row) for row in zip(*table.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("columns", "overrides", "parts"),
    [
        pytest.param({"b": ["nan"] * 3 + [1.0] * 57}, [], ["b", "3"], id="missing-values"),
        pytest.param({"b": ["inf"] * 2 + [1.0] * 58}, [], ["b", "2"], id="infinite"),
        pytest.param({}, ["data.target=z"], ["z", "y"], id="no-such-target"),
        pytest.param({"y": [1] * 60}, [], ["y"], id="one-class-only"),
    ],
)
def test_wrong_tables(cli, workdir, columns, overrides, parts):
    write_table(workdir / "table.csv", **columns)
    base = ["data=csv", "data.path=table.csv", "data.target=y"]
    outcome = cli("train", *TINY, *base, *overrides)
    assert_refused(outcome, *parts, workdir=workdir)


def test_a_table_that_is_not_there_proposes_the_near_one(cli, workdir):
    write_table(workdir / "table.csv")
    outcome = cli("train", *TINY, "data=csv", "data.path=tabel.csv", "data.target=y")
    assert_refused(outcome, "tabel.csv", "table.csv", workdir=workdir)


def write_images(folder, sizes=((16, 16),) * 12, masks=True):
    from PIL import Image

    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    generator = np.random.default_rng(0)
    for index, size in enumerate(sizes):
        image = generator.integers(0, 255, size, dtype=np.uint8)
        Image.fromarray(image).save(folder / "images" / f"{index}.png")
        if masks:
            mask = (image > 128).astype(np.uint8) * 255
            Image.fromarray(mask).save(folder / "masks" / f"{index}.png")


IMAGES = ["model=unet", "data=images", "data.path=pictures", "trainer.epochs=1", "tracking=none"]


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        pytest.param(lambda p: (p / "masks/3.png").unlink(), ["3"], id="image-without-mask"),
        pytest.param(lambda p: (p / "images/3.png").unlink(), ["3"], id="mask-without-image"),
        pytest.param(
            lambda p: [f.unlink() for f in (p / "images").iterdir()], ["images"], id="empty-folder"
        ),
        pytest.param(
            lambda p: (p / "images/3.png").write_bytes(b"junk"), ["3.png"], id="unreadable"
        ),
        pytest.param(
            lambda p: np.save(p / "images/3.npy", np.full((16, 16), np.nan)),
            ["3"],
            id="nan-or-twice",
        ),
    ],
)
def test_wrong_image_folders(cli, workdir, spoil, parts):
    write_images(workdir / "pictures")
    spoil(workdir / "pictures")
    assert_refused(cli("train", *IMAGES), *parts, workdir=workdir)


def test_a_mask_of_another_size(cli, workdir):
    from PIL import Image

    write_images(workdir / "pictures")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(workdir / "pictures/masks/5.png")
    assert_refused(cli("train", *IMAGES), "5", "8", "16", workdir=workdir)


def test_labels_out_of_range(cli, workdir):
    (workdir / "mydata.py").write_text(
        """
import torch
from losslab.data import Spec, TensorSource

def labels_from_one():
    split = {"input": torch.randn(40, 4), "target": torch.arange(40) % 3 + 1}
    return TensorSource(Spec((4,), "classes", 3), dict.fromkeys(("train", "val", "test"), split))
"""
    )
    (workdir / "conf/data").mkdir(parents=True)
    (workdir / "conf/data/mine.yaml").write_text("_target_: mydata.labels_from_one\n")
    outcome = cli("train", "--config-dir", "conf", *TINY, "data=mine", "loss=cross_entropy")
    assert_refused(outcome, "loss.cross_entropy", "target", "class indices", ": 3", workdir=workdir)


def test_targets_outside_the_unit_interval(cli, workdir):
    outcome = cli("train", *TINY, "data=diabetes", "loss=bce", "+loss.bce.names.logits=prediction")
    assert_refused(outcome, "loss.bce", "not in [0, 1]", workdir=workdir)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        pytest.param("(logits.argmax(1) != target[:, 0]).float()", ["no gradient"], id="argmax"),
        pytest.param("logits.detach().square()", ["no gradient"], id="detached"),
        pytest.param("(logits * 0).log()", ["is -inf on the first batch"], id="log-of-zero"),
        pytest.param(
            "logits.abs().sqrt() * 0 + (logits*0).sqrt()", ["gradient"], id="sqrt-of-zero"
        ),
        pytest.param("logits - target[:, 0]", ["shape"], id="broadcast"),
        pytest.param("logits[:, 3]", ["the loss can't be computed"], id="index"),
    ],
)
def test_functions_that_cannot_be_learnt_from(cli, workdir, body, parts):
    (workdir / "mine.py").write_text(f"def mine(logits, target):\n    return {body}\n")
    outcome = cli("train", *TINY, "loss=./mine.py:mine")
    assert_refused(outcome, *parts, workdir=workdir)


def test_a_store_that_is_no_database(cli, workdir):
    (workdir / "notes.txt").write_text("these are notes, no database")
    outcome = cli("train", "model=mlp", "tracking.uri=sqlite:///notes.txt")
    assert_refused(outcome, "is no SQLite database", workdir=workdir)
    assert (workdir / "notes.txt").read_text() == "these are notes, no database"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        pytest.param(["list", "losess"], "Did you mean losses", id="list"),
        pytest.param(["evaluate", "last"], "there are no runs", id="evaluate-nothing"),
        pytest.param(["train", "--resume", "last"], "there are no runs", id="resume-nothing"),
        pytest.param(["ui"], "there is no store", id="ui-without-store"),
        pytest.param(["nonsense"], "nonsense", id="no-such-command"),
    ],
)
def test_wrong_commands(cli, arguments, part):
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert part in outcome.err
    assert "Traceback" not in outcome.err


@pytest.fixture
def trained(cli, workdir):
    assert cli("train", *TINY, "name=mine").code == 0
    (run_dir,) = (workdir / "outputs").iterdir()
    return run_dir


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        pytest.param(["evaluate", "mien"], "Did you mean mine", id="near-name"),
        pytest.param(["evaluate", "last", "--split", "dev"], "--split must be", id="split"),
        pytest.param(["evaluate", "last", "--checkpoint", "x"], "--checkpoint must be", id="which"),
        pytest.param(["evaluate", "last", "model.width=8"], "of another model", id="other-model"),
        pytest.param(["evaluate", "last", "model.widht=8"], "Did you mean model.width", id="key"),
        pytest.param(["evaluate", "last", "model=unet"], "would replace a whole part", id="group"),
        pytest.param(
            ["train", "--resume", "last", "model.width=8"], "of another model", id="resume-other"
        ),
        pytest.param(
            ["train", "--resume", "last", "trainer.epochs=abc"], "trainer.epochs", id="resume-type"
        ),
        pytest.param(
            ["evaluate", "last", "trainer.batch_size=0"], "must be at least 1", id="evaluate-range"
        ),
    ],
)
def test_wrong_uses_of_a_run(cli, trained, arguments, part):
    before = {p: p.read_bytes() for p in trained.rglob("*.pt")}
    outcome = cli(*arguments)
    assert outcome.code == 2, outcome
    assert part in outcome.err
    assert {p: p.read_bytes() for p in trained.rglob("*.pt")} == before


def test_a_damaged_checkpoint(cli, trained):
    (trained / "checkpoints/best.pt").write_bytes(b"junk")
    outcome = cli("evaluate", "last")
    assert outcome.code == 2
    assert "can't be read" in outcome.err
    assert cli("evaluate", "last", "--checkpoint", "last").code == 0


def test_a_checkpoint_of_nothing_here(cli, trained):
    torch.save({"model": {"weight": torch.ones(2)}}, trained / "checkpoints/best.pt")
    outcome = cli("evaluate", "last")
    assert outcome.code == 2
    assert "of another model" in outcome.err


def test_json_stays_json(cli, trained):
    outcome = cli("evaluate", "last", "--json")
    assert outcome.code == 0
    values = json.loads(outcome.out)
    assert values["run"] == trained.name
    assert 0 <= values["f1"] <= 1
