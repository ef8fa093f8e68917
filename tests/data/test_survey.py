"""The look at every image before training."""

import numpy as np
import pytest
import torch
from losslab.data.streaming import Samples
from losslab.data.survey import common_shape, mask_code, survey
from PIL import Image


def save(folder, name: str, *shape: int) -> str:
    path = folder / name
    pixels = np.arange(np.prod(shape)).reshape(shape)
    if path.suffix == ".npy":
        np.save(path, pixels)
    else:
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def test_the_shape_is_the_one_all_have(tmp_path):
    paths = [save(tmp_path, "a.png", 4, 6), save(tmp_path, "b.png", 4, 6)]
    assert common_shape(paths, None, None, None) == (1, 4, 6)
    assert common_shape(paths, paths, (8, 9), 3) == (3, 8, 9)


def test_shapes_that_differ(tmp_path):
    small, large = save(tmp_path, "a.png", 4, 6), save(tmp_path, "b.png", 5, 6)
    with pytest.raises(
        ValueError, match=r"images of 2 sizes: a.png 4 × 6, b.png 5 × 6. .*data.size"
    ):
        common_shape([small, large], None, None, None)
    with pytest.raises(
        ValueError, match=r"1 masks have another size than their image: a.png 4 × 6 and b"
    ):
        common_shape([small], [large], (4, 6), None)
    many = save(tmp_path, "c.npy", 5, 6, 7)
    with pytest.raises(ValueError, match="images of 1, 5 channels; expected one number for all"):
        common_shape([large, many], None, (4, 4), None)


def test_files_that_can_not_be_read_are_counted(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(7)]
    for path in paths:
        path.write_bytes(b"no image")
    with pytest.raises(
        ValueError, match=r"7 of 7 files can't be used: .*0.png: not an .*4.png: [^;]*$"
    ):
        common_shape(paths, None, None, None)


def test_the_order_decides_what_is_kept_where_and_what_is_averaged(tmp_path):
    paths = [save(tmp_path, f"{i}.npy", 2, 2) for i in range(3)]
    for i, path in enumerate(paths):
        np.save(path, np.full((2, 2), float(i)))
    samples = Samples(paths, None, torch.zeros(3), (1, 2, 2))
    seen = survey(samples, torch.tensor([2, 0, 1]), 2, keep=True, workers=2)
    assert seen.images.mean((1, 2, 3)).tolist() == [2, 0, 1]
    assert (seen.scaling.offset.item(), seen.scaling.scale.item()) == (1, 1)  # of 2 and 0
    assert (seen.masks, len(seen.mask_values)) == (None, 0)


def codes(*values: int, kind: str | None = None):
    return mask_code(torch.tensor(values, dtype=torch.int32), kind)


@pytest.mark.parametrize("values", [(0, 1), (0, 255), (-1, 3)], ids=str)
def test_two_numbers_are_binary(values):
    code = codes(*values)
    assert code(torch.tensor([values], dtype=torch.int32)).tolist() == [[[0, 1]]]
    assert (code.kind, code.labels) == ("binary", tuple(map(str, values)))


def test_two_numbers_can_be_classes():
    code = codes(0, 255, kind="classes")
    assert code(torch.tensor([[255, 0]], dtype=torch.int32)).tolist() == [[1, 0]]


def test_more_numbers_are_classes_in_their_order():
    code = codes(-1, 4, 9)
    assert code(torch.tensor([[9, -1, 4]], dtype=torch.int32)).tolist() == [[2, 0, 1]]


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ((0,), None, "all masks hold one number only, 0: there is nothing to learn"),
        (range(201), None, "masks hold 201 different numbers, too many .* say data.kind=binary"),
        ((0, 1), "binry", r"kind=binry does not fit masks: .* Did you mean binary\?"),
    ],
    ids=["one", "too many", "another kind"],
)
def test_masks_that_make_no_target(values, kind, text):
    with pytest.raises(ValueError, match=text):
        codes(*values, kind=kind)
