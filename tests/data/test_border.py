"""The U-Net's border weights: by hand, by the formula over whole images, and from a folder."""

import numpy as np
import pytest
import torch
from losslab.data import TensorSource, images, split_indices
from losslab.data.border import BorderWeight, border_weight, connected
from losslab.data.streaming import FileSource
from PIL import Image
from scipy.ndimage import distance_transform_edt


def balance(cell):
    share = cell.float().mean()
    return torch.where(cell, 0.5 / share, 0.5 / (1 - share))


def cells(seed=0, size=40):
    """Discs of radius 2 to 5 that do not overlap, numbered in no order."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((size, size), int)
    rows, columns = np.indices(labels.shape)
    for number in rng.permutation([3, 9, 1, 70000, 5, 12]):
        y, x, r = *rng.integers(0, size, 2), rng.integers(2, 6)
        disc = (rows - y) ** 2 + (columns - x) ** 2 <= r**2
        if not (labels[disc] > 0).any():
            labels[disc] = number
    return torch.from_numpy(labels)


def test_a_gap_by_hand():
    row = torch.tensor([[1, 0, 0, 2]])
    gap = 1 + 10 * np.exp(-((1 + 2) ** 2) / 50)
    torch.testing.assert_close(border_weight(row), torch.tensor([[1, gap, gap, 1]]).float())


def test_it_is_the_formula_with_the_distances_from_every_cell():
    # scipy 1.17.1's distances over the whole image, sorted: no cell is out of reach.
    for seed in range(3):
        labels = cells(seed)
        numbers = labels[labels > 0].unique()
        distances = np.sort(
            [distance_transform_edt((labels != number).numpy()) for number in numbers], axis=0
        )
        border = 7 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * 3**2))
        expected = balance(labels > 0) + torch.from_numpy(border) * (labels == 0)
        found = border_weight(labels, w0=7.0, sigma=3.0)
        torch.testing.assert_close(found, expected.float(), rtol=0, atol=1e-6)


def test_classes_are_in_balance():
    labels = cells()
    weight = border_weight(labels, w0=0.0)
    assert weight.mean().item() == pytest.approx(1)
    assert weight[labels > 0].sum().item() == pytest.approx(labels.numel() / 2)


def test_without_a_second_cell_there_is_no_border():
    one = (cells() == 9).long()
    torch.testing.assert_close(border_weight(one), balance(one > 0))
    assert (border_weight(torch.zeros(4, 5).long()) == 1).all()
    assert (border_weight(torch.full((4, 5), 3)) == 1).all()


def test_a_batch_is_its_images_one_by_one():
    batch = torch.stack([cells(0), cells(1), torch.zeros(40, 40).long()])
    apart = torch.stack([border_weight(image) for image in batch])
    assert torch.equal(border_weight(batch), apart)
    assert border_weight(batch.to(torch.int32)).dtype == torch.float32


def test_patches_are_numbered_by_shared_edges():
    mask = torch.tensor([[1, 0, 0], [0, 1, 1], [0, 0, 1]])
    assert connected(mask > 0).tolist() == [[1, 0, 0], [0, 2, 2], [0, 0, 2]]


@pytest.mark.parametrize(
    ("instances", "options", "text"),
    [
        (torch.zeros(4), {}, r"\[batch, height, width\]; got torch.float32 of shape \(4,\)"),
        (torch.zeros(4, 4), {}, r"instances are whole numbers .* got torch.float32"),
        (torch.zeros(4, 4).long(), {"w0": -1.0}, "border_weight.w0 must be a number, at least 0;"),
        (torch.zeros(4, 4).long(), {"sigma": 0}, "border_weight.sigma must be a number, positive"),
        (torch.zeros(4, 4).long(), {"sigma": "5"}, "border_weight.sigma must be .* got 5"),
    ],
    ids=["shape", "type", "w0", "sigma", "text"],
)
def test_what_is_refused(instances, options, text):
    with pytest.raises(ValueError, match=text):
        border_weight(instances, **options)


# From a folder


COUNT = 6
LABELS = [cells(seed, 24) % 251 for seed in range(COUNT)]


@pytest.fixture
def folder(tmp_path):
    for name in ("images", "masks", "numbered"):
        (tmp_path / name).mkdir()
    for i, labels in enumerate(LABELS):
        masks = {"images": labels % 50, "masks": 255 * (labels > 0), "numbered": labels}
        for name, array in masks.items():
            Image.fromarray(array.numpy().astype(np.uint8)).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_patches_of_a_binary_mask_are_its_objects(folder):
    source = images(path=folder, border_weight=True)
    expected = torch.stack([border_weight(connected(labels > 0)) for labels in LABELS])
    for part, index in split_indices(COUNT).items():
        torch.testing.assert_close(source.splits[part]["weight"][:, 0], expected[index])
        assert source.splits[part]["weight"].shape == source.splits[part]["target"].shape


def test_numbers_tell_objects_apart(folder):
    source = images(
        path=folder,
        masks="numbered",
        kind="instances",
        border_weight={"w0": 3.0, "sigma": 2.0},
    )
    assert (source.spec.target, source.spec.outputs) == ("binary", 1)
    expected = torch.stack([border_weight(labels, w0=3.0, sigma=2.0) for labels in LABELS])
    index = split_indices(COUNT)["train"]
    torch.testing.assert_close(source.splits["train"]["weight"][:, 0], expected[index])
    objects = torch.stack([labels > 0 for labels in LABELS])[index]
    assert torch.equal(source.splits["train"]["target"][:, 0], objects.float())


def test_what_streams_is_what_is_kept_in_memory(folder):
    kept = images(path=folder, border_weight=True)
    streamed = images(path=folder, border_weight=True, memory_mb=0, workers=0)
    assert (type(kept), type(streamed)) == (TensorSource, FileSource)
    for part in ("train", "val"):
        pairs = zip(kept.batches(part, 3, seed=1), streamed.batches(part, 3, seed=1), strict=True)
        for expected, found in pairs:
            torch.testing.assert_close(found, expected, rtol=0, atol=0)
            assert set(found) == {"input", "target", "weight"}


def test_without_the_option_there_is_no_weight(folder):
    assert set(images(path=folder).splits["train"]) == {"input", "target"}
    assert BorderWeight.of(False, numbered=False) is None


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"border_weight": 5}, r"border_weight is true, false, or \{w0: 10, sigma: 5\}; got 5"),
        ({"border_weight": {"w": 1}}, "border_weight is true, false, or .* got"),
        ({"border_weight": {"sigma": -1}}, "border_weight.sigma must be a number, positive"),
        (
            {"border_weight": True, "masks": "numbered"},
            "border_weight is for binary masks: say data.kind=instances",
        ),
        (
            {"border_weight": True, "values": "values.csv"},
            "border_weight and kind=instances need masks; data.values replaces them",
        ),
        ({"kind": "instances", "values": "values.csv"}, "kind=instances need masks"),
    ],
    ids=["number", "unknown", "sigma", "classes", "values", "instances"],
)
def test_options_that_are_refused(folder, options, text):
    with pytest.raises(ValueError, match=text):
        images(path=folder, **options)
