"""conf/data: each file and its builder have the same options with the same defaults."""

import inspect
from importlib.resources import files

import losslab.data as data
import pytest
import yaml

FILES = sorted(files("losslab.conf").joinpath("data").iterdir(), key=lambda path: path.name)
BUILDERS = (
    "bandit",
    "breast_cancer",
    "csv",
    "diabetes",
    "digits",
    "enzyme_rates",
    "gymnasium",
    "images",
    "ising",
    "item_pairs",
    "one_to_many",
    "power_angle",
    "small_targets",
    "touching_cells",
    "values",
)


def test_every_builder_has_a_file():
    assert [path.name for path in FILES] == [f"{name}.yaml" for name in BUILDERS]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_options_and_defaults_are_the_builders(path):
    text = path.read_text(encoding="utf-8")
    name = path.name.removesuffix(".yaml")
    options = yaml.safe_load(text)
    assert options.pop("_target_") == f"losslab.data.{name}"
    parameters = inspect.signature(getattr(data, name)).parameters
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    defaults = {
        key: "???" if p.default is p.empty else list(p.default) if p.default == () else p.default
        for key, p in parameters.items()
    }
    assert list(options.items()) == list(defaults.items())
    assert f"losslab train data={name}" in text


@pytest.mark.parametrize(
    "name", ["breast_cancer", "digits", "diabetes", "small_targets", "power_angle"]
)
def test_what_needs_no_file_is_built_by_hydra(name):
    from hydra.utils import instantiate

    path = next(path for path in FILES if path.name == f"{name}.yaml")
    options = yaml.safe_load(path.read_text(encoding="utf-8"))
    if name in ("small_targets", "power_angle"):
        options |= {
            "samples": 10,
            "size": 16,
            **({"share": 0.05} if name == "small_targets" else {}),
        }
    source = instantiate(options)
    batch = next(source.batches("train", 4, seed=0))
    assert tuple(batch["input"].shape[1:]) == source.spec.input_shape
    assert source.summary["name"] == name


def test_lists_and_mappings_of_hydra_are_understood(tmp_path):
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    node = OmegaConf.create({"_target_": "losslab.data.digits", "imbalance": {3: 0.1}})
    assert (instantiate(node).splits["train"]["target"] == 3).sum() < 20
    (tmp_path / "t.csv").write_text(
        "id,a,y,z\n" + "".join(f"k{i},{i},{i}.5,1.{i}\n" for i in range(9))
    )
    options = {"path": str(tmp_path / "t.csv"), "target": ["y", "z"], "drop": ["id"]}
    source = instantiate(OmegaConf.create({"_target_": "losslab.data.csv"} | options))
    assert (source.spec.input_shape, source.spec.labels) == ((1,), ("y", "z"))
