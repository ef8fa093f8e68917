"""Image folders, in memory and streamed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from losslab.data import TensorSource, images, split_indices
from losslab.data.streaming import FileSource
from PIL import Image

COUNT = 10
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (COUNT, 12, 16), dtype=np.uint8)
MASKS = (RNG.random((COUNT, 12, 16)) < 0.2).astype(np.uint8)
VALUES = [float(value) for value in RNG.normal(50, 9, COUNT)]


@pytest.fixture
def folder(tmp_path):
    """Writes images, and masks or a table of values, and gives the folder."""

    def write(pixels=PIXELS, masks=MASKS * 255, values: dict | None = None, suffix=".png") -> Path:
        root = tmp_path / "cells"
        for name, arrays in (("images", pixels), ("masks", masks)):
            (root / name).mkdir(parents=True, exist_ok=True)
            for i, array in enumerate(arrays):
                path = root / name / f"{i:02}{suffix}"
                np.save(path, array) if suffix == ".npy" else Image.fromarray(array).save(path)
        if values is not None:
            files = [f"{i:02}.png" for i in range(len(pixels))]
            pd.DataFrame({"file": files} | values).to_csv(root / "values.csv", index=False)
        return root

    return write


def test_images_and_masks_are_those_of_the_files(folder):
    source = images(path=folder(), standardise=False)
    spec = source.spec
    assert isinstance(source, TensorSource)
    assert (spec.input_shape, spec.target, spec.outputs, spec.dense) == (
        (1, 12, 16),
        "binary",
        1,
        True,
    )
    assert spec.labels == ("0", "255")
    for part, index in split_indices(COUNT).items():
        expected = {
            "input": torch.tensor(PIXELS[index.numpy()]).float().unsqueeze(1) / 255,
            "target": torch.tensor(MASKS[index.numpy()]).float().unsqueeze(1),
        }
        torch.testing.assert_close(source.splits[part], expected, rtol=0, atol=0)


def test_channels_are_standardised_by_the_train_split(folder):
    colours = RNG.integers(0, 256, (COUNT, 12, 16, 3), dtype=np.uint8)
    source = images(path=folder(colours), split_seed=2)
    pixels = torch.tensor(colours / 255).permute(0, 3, 1, 2)
    split = split_indices(COUNT, seed=2)
    train = pixels[split["train"]]
    mean, deviation = train.mean((0, 2, 3)), train.std((0, 2, 3), correction=0)
    for part, index in split.items():
        expected = (pixels[index] - mean.reshape(3, 1, 1)) / deviation.reshape(3, 1, 1)
        torch.testing.assert_close(source.splits[part]["input"], expected.float())


def test_more_than_two_numbers_are_classes(folder):
    numbers = np.array([0, 7, 200], np.uint8)
    index = RNG.integers(0, 3, (COUNT, 12, 16))
    source = images(path=folder(masks=numbers[index]))
    assert (source.spec.target, source.spec.outputs) == ("classes", 3)
    assert source.spec.labels == ("0", "7", "200")
    train = source.splits["train"]["target"]
    assert torch.equal(train, torch.tensor(index)[split_indices(COUNT)["train"]])
    assert train.dtype == torch.int64


def test_lossy_masks_are_split_at_half_on_request(folder):
    soft = np.where(MASKS, 255 - PIXELS // 8, PIXELS // 8).astype(np.uint8)
    source = images(path=folder(masks=soft), kind="binary")
    expected = torch.tensor(MASKS[split_indices(COUNT)["train"].numpy()]).float()
    assert torch.equal(source.splits["train"]["target"][:, 0], expected)
    assert source.spec.labels == ("≤ 127.5", "> 127.5")


def test_arrays_are_taken_as_they_are(folder):
    arrays = RNG.normal(-100, 20, (COUNT, 5, 12, 16)).astype(np.float32)
    source = images(path=folder(arrays, MASKS, suffix=".npy"), standardise=False)
    assert source.spec.input_shape == (5, 12, 16)
    expected = torch.tensor(arrays)[split_indices(COUNT)["train"]]
    assert torch.equal(source.splits["train"]["input"], expected)


def test_size_and_channels_are_brought_to_what_is_asked(folder):
    source = images(path=folder(), size=[6, 8], channels=3)
    assert source.spec.input_shape == (3, 6, 8)
    batch = next(source.batches("train", 4))
    assert (batch["input"].shape, batch["target"].shape) == ((4, 3, 6, 8), (4, 1, 6, 8))
    assert images(path=folder(), size=10).spec.input_shape == (1, 10, 10)


def test_grey_among_colours_is_three_channels(folder):
    root = folder()
    Image.fromarray(np.stack([PIXELS[0]] * 3, 2)).save(root / "images" / "00.png")
    assert images(path=root).spec.input_shape == (3, 12, 16)


def test_images_of_several_sizes_are_resized_on_request(folder):
    root = folder()
    Image.fromarray(PIXELS[0, :6]).save(root / "images" / "00.png")
    Image.fromarray(MASKS[0, :6]).save(root / "masks" / "00.png")
    assert images(path=root, size=8, kind="binary").spec.input_shape == (1, 8, 8)


def test_values_in_a_table(folder):
    source = images(path=folder(values={"cells": VALUES}), values="values.csv")
    assert (source.spec.target, source.spec.labels, source.spec.dense) == (
        "real",
        ("cells",),
        False,
    )
    values = torch.tensor(VALUES).unsqueeze(1)
    (offset,), (scale,) = source.spec.offset, source.spec.scale
    for part, index in split_indices(COUNT).items():
        torch.testing.assert_close(source.splits[part]["target"] * scale + offset, values[index])
    plain = images(path=folder(), values="values.csv", standardise_target=False)
    torch.testing.assert_close(
        plain.splits["train"]["target"], values[split_indices(COUNT)["train"]]
    )


def test_classes_in_a_table_are_split_in_proportion(folder):
    names = ["a", "b"] * (COUNT // 2)
    source = images(path=folder(values={"type": names}), values="values.csv", val=0.2, test=0.2)
    assert (source.spec.target, source.spec.labels) == ("binary", ("a", "b"))
    for part in ("train", "val", "test"):
        assert source.splits[part]["target"].mean() == 0.5
    kinds = images(path=folder(values={"type": names}), values="values.csv", kind="classes")
    assert kinds.splits["train"]["target"].ndim == 1


def test_a_table_names_files_in_any_order_with_or_without_extension(folder):
    root = folder(values={"cells": VALUES})
    frame = pd.read_csv(root / "values.csv")
    frame["file"] = [
        name if i % 2 else f"images/{Path(name).stem}" for i, name in enumerate(frame["file"])
    ]
    expected = images(path=root, values="values.csv")
    frame[::-1].to_csv(root / "other.csv", index=False)
    found = images(path=root, values="other.csv")
    torch.testing.assert_close(found.splits["train"], expected.splits["train"])


@pytest.mark.parametrize("dense", [True, False], ids=["masks", "values"])
@pytest.mark.parametrize("options", [{}, {"size": 8, "channels": 3, "standardise": False}], ids=str)
def test_what_streams_is_what_is_kept_in_memory(folder, dense, options):
    root = folder(values={"cells": VALUES})
    options = options | ({} if dense else {"values": "values.csv"})
    kept = images(path=root, **options)
    streamed = images(path=root, memory_mb=0, workers=0, **options)
    assert (type(kept), type(streamed)) == (TensorSource, FileSource)
    assert (kept.spec, kept.summary) == (streamed.spec, streamed.summary)
    for part in ("train", "val", "test"):
        assert kept.size(part) == streamed.size(part)
        for order in ({}, {"seed": 3}, {"seed": 3, "start": 1}, {"seed": 3, "shard": (1, 2)}):
            pairs = zip(
                kept.batches(part, 3, **order), streamed.batches(part, 3, **order), strict=True
            )
            for expected, found in pairs:
                torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_the_number_of_channels_and_pixels_decides_what_is_kept(folder):
    large = np.zeros((4, 300, 300), np.uint8)
    large[:, 0, 0] = 1
    root = folder(large, large)  # 4 × 300 × 300 × (4 + 8) bytes are 4.1 MiB
    assert isinstance(images(path=root, memory_mb=5), TensorSource)
    assert isinstance(images(path=root, memory_mb=4), FileSource)


def test_the_fingerprint_is_of_the_files_and_the_split(folder):
    first = images(path=folder()).summary
    assert first | {"fingerprint": ""} == {
        "name": "cells",
        "train": 6,
        "val": 2,
        "test": 2,
        "fingerprint": "",
    }
    assert images(path=folder()).summary == first
    other_split = images(path=folder(), split_seed=1).summary
    other_mask = images(path=folder(masks=np.roll(MASKS * 255, 1, axis=2))).summary
    assert len({s["fingerprint"] for s in (first, other_split, other_mask)}) == 3


@pytest.mark.parametrize("memory_mb", [0, 1024], ids=["streamed", "in memory"])
def test_new_images_are_read_as_in_training(folder, memory_mb):
    root = folder()
    source = images(path=root, memory_mb=memory_mb, workers=0)
    names, inputs = source.reader(root / "images")
    assert names == [f"{i:02}.png" for i in range(COUNT)]
    train = next(source.batches("train", COUNT))["input"]
    assert torch.equal(inputs[split_indices(COUNT)["train"]], train)
    names, single = source.reader(root / "images" / "03.png")
    assert (names, single.tolist()) == (["03.png"], inputs[3:4].tolist())


def test_new_images_of_another_size(folder, tmp_path):
    root = folder()
    Image.fromarray(PIXELS[0, :8]).save(tmp_path / "new.png")
    with pytest.raises(
        ValueError,
        match=r"images of 12 × 16; 1 of 1 differ: new.png 8 × 16. Resize them",
    ):
        images(path=root).reader(tmp_path / "new.png")
    _, resized = images(path=root, size=6).reader(tmp_path / "new.png")
    assert resized.shape == (1, 1, 6, 6)
    with pytest.raises(ValueError, match=r"there is no file or folder .*old.png: expected images"):
        images(path=root).reader(tmp_path / "old.png")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"size": [3]}, r"size is a number of pixels or \[height, width\]; got \[3\]"),
        ({"size": 0}, r"size is a number of pixels or \[height, width\]; got 0"),
        ({"memory_mb": -1}, "memory_mb and workers must not be negative; got -1 and 2"),
        ({"workers": -1}, "memory_mb and workers must not be negative; got 1024 and -1"),
        (
            {"channels": 2},
            r"10 of 10 files can't be used: .*00.png: 1 channels; expected 2; .*04.png",
        ),
        (
            {"kind": "real"},
            "kind=real does not fit masks: choose binary, classes, instances, or null",
        ),
        ({"images": "image"}, r"has no folder image with the images. Did you mean images\?"),
        ({"masks": "mask"}, r"has no folder mask with the masks. Did you mean masks\?"),
        (
            {"values": "value.csv"},
            r"there is no file value.csv in .*cells. Did you mean values.csv\?",
        ),
        ({"val": 0.01}, "10 samples are too few: nothing is left for the val split"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_options_that_are_refused(folder, options, text):
    root = folder(values={"cells": VALUES})
    with pytest.raises(ValueError, match=text):
        images(**{"path": root} | options)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"name": ["00"], "cells": [1]}, "values.csv needs a column 'file' .* it has name, cells"),
        ({"file": ["00"]}, "values.csv needs a column 'file' and one or several with values"),
        ({"files": ["00"], "a": [1]}, r"it has files, a. Did you mean files\?"),
        ({"file": ["00.png", "00"], "a": [1, 2]}, "values.csv names 1 files more than once: 00"),
        (
            {"file": ["00", "x"], "a": [1, 2]},
            "9 images have no row in .*values.csv: .*: x. An image",
        ),
        (
            {"file": [f"{i:02}" for i in range(COUNT)], "a": [None, *range(COUNT - 1)]},
            "missing target values: a 1",
        ),
    ],
    ids=["no file column", "no values", "near", "twice", "no partner", "missing"],
)
def test_tables_that_are_refused(folder, table, text):
    root = folder()
    pd.DataFrame(table).to_csv(root / "values.csv", index=False)
    with pytest.raises(ValueError, match=text):
        images(path=root, values="values.csv")


@pytest.mark.parametrize("memory_mb", [0, 1024], ids=["streamed", "in memory"])
def test_every_file_is_looked_at_before_training(folder, memory_mb):
    root = folder()
    for name in ("images/03.png", "masks/05.png"):  # good headers, pixels cut off
        data = (root / name).read_bytes()
        (root / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(
        ValueError, match=r"2 of 10 files can't be used: .*images/03.png: .*masks/05.png: "
    ):
        images(path=root, memory_mb=memory_mb)


def test_files_that_do_not_fit_together(folder):
    root = folder()
    (root / "masks" / "04.png").unlink()
    (root / "images" / "07.png").unlink()
    with pytest.raises(
        ValueError, match=r"1 images have no mask in .*masks: 04.png. .* an image: 07"
    ):
        images(path=root)


def test_numbers_that_are_not_finite(folder):
    arrays = np.zeros((COUNT, 4, 4))
    arrays[2, 0, 0] = np.nan
    masks = np.eye(4, dtype=np.uint8)[None].repeat(COUNT, 0)
    with pytest.raises(
        ValueError, match=r"1 of 10 files can't be used: .*02.npy: 1 of 16 values are not"
    ):
        images(path=folder(arrays, masks, suffix=".npy"))
