"""Every experiment runs from end to end in a tiny form."""

import json

import pytest
from losslab.cli.listing import choices

TINY = {
    "small_targets": ["data.samples=16", "data.size=32"],
    "small_targets_weights": ["trainer.epochs=2", "data.samples=16", "data.size=32"],
    "cost_matrix": ["trainer.epochs=2", "data.samples=16", "data.size=32"],
    "cost_matrix_border": ["trainer.epochs=2", "data.samples=16", "data.size=32"],
    "ising_energy": ["trainer.epochs=2", "data.samples=40", "data.sweeps=2"],
    "vae": ["trainer.epochs=2"],
    "vae_terms": ["trainer.epochs=2"],
    "cartpole": ["trainer.epochs=2", "trainer.batch_size=2", "data.val=2", "data.test=2"],
    "large_actions": ["trainer.epochs=2", "data.actions=20", "data.val=64", "data.test=64"],
    "mountain_car": ["trainer.epochs=2", "data.max_steps=40", "data.val=1", "data.test=2"],
    "pong": [
        *("trainer.epochs=1", "trainer.batch_size=1", "model.width=16"),
        *("data.max_steps=60", "data.environments=1", "data.val=1", "data.test=1"),
    ],
}


@pytest.mark.parametrize("experiment", choices("experiment"))
def test_it_runs(cli, workdir, experiment):
    outcome = cli(
        "train",
        f"experiment={experiment}",
        "trainer=debug",
        "tracking=none",
        *TINY.get(experiment, []),
    )
    assert outcome.code == 0, outcome
    (run_dir,) = (workdir / "outputs").iterdir()
    assert json.loads((run_dir / "run.json").read_text())["status"] == "FINISHED"


# Better than an answer that ignores the input, on data that the run has not seen.
LEARNS = [
    pytest.param(["model=mlp"], "f1", 0.05, id="mlp"),
    pytest.param(["model=linear"], "f1", 0.05, id="linear"),
    pytest.param(
        ["model=conv_regressor", "data.samples=300", "data.size=32", "trainer.epochs=10"],
        "r2",
        0.5,
        id="conv_regressor",
    ),
    pytest.param(["model=vae", "trainer.epochs=6"], "r2", 0.2, id="vae"),
    pytest.param(
        ["model=unet", "data.samples=120", "data.size=64", "data.share=0.02", "trainer.epochs=10"],
        "dice",
        0.4,
        id="unet",
    ),
]


@pytest.mark.parametrize(("overrides", "metric", "margin"), LEARNS)
def test_every_model_learns_what_it_is_shown_with(cli, workdir, overrides, metric, margin):
    assert cli("train", *overrides, "tracking=none").code == 0
    outcome = cli("evaluate", "last", "--json")
    values = json.loads(outcome.out)
    assert values[metric] > values["ignoring_the_input"][metric] + margin


def test_a_table_of_ones_own_is_learnt(cli, workdir):
    import numpy as np

    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 3))
    price = 50 + 10 * x[:, 0] - 5 * x[:, 1] + generator.normal(size=300)
    rows = [",".join(f"{v:.4f}" for v in (*row, y)) for row, y in zip(x, price, strict=True)]
    (workdir / "table.csv").write_text("\n".join(["a,b,c,price", *rows]))
    base = ["data=csv", "data.path=table.csv", "data.target=price", "model=mlp", "loss=huber"]
    assert cli("train", *base, "tracking=none").code == 0
    values = json.loads(cli("evaluate", "last", "--json").out)
    assert values["r2"] > 0.9
    assert values["rmse"] < 5  # in the units of the file


def test_images_of_ones_own_are_learnt(cli, workdir):
    import numpy as np
    from PIL import Image

    generator = np.random.default_rng(0)
    for index in range(60):
        image = generator.normal(90, 15, (32, 32))
        mask = np.zeros((32, 32), np.uint8)
        row, column = generator.integers(2, 22, 2)
        mask[row : row + 8, column : column + 8] = 255
        image[mask > 0] += 70
        for folder, picture in (("images", image.clip(0, 255).astype(np.uint8)), ("masks", mask)):
            path = workdir / "pictures" / folder / f"{index:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
    base = ["data=images", "data.path=pictures", "model=unet", "loss=dice", "trainer.epochs=15"]
    assert cli("train", *base, "tracking=none", "trainer.batch_size=4").code == 0
    values = json.loads(cli("evaluate", "last", "--json").out)
    assert values["dice"] > 0.8
