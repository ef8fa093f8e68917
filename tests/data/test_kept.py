"""What a run keeps of its data comes back from its file, and prepares new data as before."""

import numpy as np
import pandas as pd
import pytest
import torch
from losslab.data import Spec, TensorSource, breast_cancer, csv, diabetes, digits, images, values
from losslab.data.kept import Kept
from PIL import Image


def again(kept, folder):
    path = folder / "data.json"
    path.write_text(kept.as_json())
    return Kept.read(path)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    area = rng.normal(100, 20, 40)
    area[3] = np.nan
    town = rng.choice(["Aarau", "Basel", "Chur"], 40)
    return pd.DataFrame({"area": area, "town": town, "new": town > "B", "price": area[::-1] / 3})


def test_a_table_is_prepared_as_before_to_the_last_bit(table, tmp_path):
    path = tmp_path / "houses.csv"
    table.fillna({"price": 7}).to_csv(path, index=False)
    source = csv(path=path, target="price", missing="median")
    kept = again(Kept.of(source), tmp_path)
    assert kept.spec == source.spec
    assert kept.images is None
    assert kept.table.encoder.columns == ("area", "town", "new")
    assert torch.equal(kept.table(path)[1], source.reader(path)[1])


def test_images_are_prepared_as_before_to_the_last_bit(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
        for i in range(6):
            pixels = rng.integers(0, 256, (8, 10, 3), dtype=np.uint8)
            mask = 255 * rng.integers(0, 2, (8, 10), dtype=np.uint8)
            Image.fromarray(pixels if name == "images" else mask).save(tmp_path / name / f"{i}.png")
    source = images(path=tmp_path, size=6)
    kept = again(Kept.of(source), tmp_path)
    assert kept.spec == source.spec
    assert kept.table is None
    assert kept.images.resized
    folder = tmp_path / "images"
    assert torch.equal(kept.images(folder)[1], source.reader(folder)[1])


@pytest.mark.parametrize("data", [breast_cancer, diabetes], ids=lambda data: data.__name__)
def test_what_scikit_learn_ships_can_be_asked_in_its_own_units(data, tmp_path):
    import sklearn.datasets

    source = data()
    kept = again(Kept.of(source), tmp_path)
    options = {"scaled": False} if data is diabetes else {}
    shipped = getattr(sklearn.datasets, f"load_{data.__name__}")(as_frame=True, **options)
    inputs = kept.table.encode(shipped.data)
    ours = torch.cat([source.splits[part]["input"] for part in ("train", "val", "test")])
    assert torch.equal(inputs.sort(0).values, ours.sort(0).values)


def test_digits_are_a_table_or_images(tmp_path):
    from sklearn.datasets import load_digits

    kept = again(Kept.of(digits()), tmp_path)
    table = load_digits(as_frame=True).data
    inputs = kept.table.encode(table)
    assert torch.equal(inputs, torch.tensor(table.to_numpy()).float().reshape(-1, 1, 8, 8) / 16)
    assert kept.images.shape == (1, 8, 8)


def test_data_without_names_are_asked_by_number(tmp_path):
    kept = again(Kept.of(values(input=[[2, 3], [0, 1]], target=[1, 0.5])), tmp_path)
    assert kept.table.encoder.columns == ("x1", "x2")
    assert kept.table.encode(pd.DataFrame({"x2": [3], "x1": [2]})).tolist() == [[2, 3]]


def test_numbers_of_numpy_are_kept(tmp_path):
    spec = Spec((np.int64(3),), "real", 1, offset=(np.float32(0.5),), scale=(np.float64(2.0),))
    tensors = {"input": torch.zeros(1, 3), "target": torch.zeros(1, 1)}
    source = TensorSource(spec, {"train": tensors, "val": {}, "test": {}})
    assert again(Kept.of(source), tmp_path).spec == spec


def test_of_a_foreign_reader_nothing_is_known(tmp_path):
    spec = Spec((3,), "real", 1)
    source = TensorSource(spec, {}, reader=lambda path: ([], torch.zeros(0, 3)))
    assert again(Kept.of(source), tmp_path) == Kept(spec)
