"""Masks, arrays and rows that answer images."""

import numpy as np
import pandas as pd
import pytest
import torch
from losslab.analysis.predicted_files import predict_files
from losslab.analysis.predicted_images import answer_masks
from losslab.data.images import ImageReader
from losslab.data.spec import Spec
from losslab.errors import UserError
from PIL import Image
from small_predictors import PIXELS, Total, marker, picture, predictor
from torch import nn


class Thirds(nn.Module):
    """Per pixel: dark, grey or bright."""

    def forward(self, input):
        return torch.cat([0.3 - input, 0.2 - (input - 0.5).abs(), input - 0.7], 1)


class Tops(nn.Module):
    """Per pixel: the last class where it is dark, the first where it is bright."""

    def forward(self, input):
        return torch.cat([30 * input, 20 + 0 * input, 30 - 30 * input], 1)


def test_masks_are_black_and_white(tmp_path):
    picture(tmp_path / "new" / "a.png")
    picture(tmp_path / "new" / "b.png", PIXELS[::-1].copy())
    picture(tmp_path / "new" / "c.bmp", 0 * PIXELS)
    (written,) = predict_files(marker(), [tmp_path / "new"], tmp_path / "out")
    expected = {"a": PIXELS > 127, "b": PIXELS[::-1] > 127, "c": 0 * PIXELS}
    assert [path.name for path in written.files] == ["a.png", "b.png", "c.png"]
    for path in written.files:
        assert np.array_equal(np.asarray(Image.open(path)), 255 * expected[path.stem])
    assert written.text == "3 images: masks, 0 = ground, 255 = cell"


def test_probabilities_beside_masks_and_another_cut(tmp_path):
    path = picture(tmp_path / "a.png")
    (written,) = predict_files(marker(cut=4.0), [path], tmp_path / "out", probability=True)
    assert [path.name for path in written.files] == ["a.png", "a.npy"]
    assert written.text.endswith("255 = cell; arrays of probabilities")
    found = np.load(written.files[1])
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-10 * (PIXELS / 255 - 0.5))), rtol=1e-5)
    assert np.array_equal(np.asarray(Image.open(written.files[0])), 255 * (PIXELS == 255))


def test_classes_are_numbers_and_their_probabilities_sum_to_one(tmp_path):
    labels = ("dark", "grey", "bright")
    spec = Spec((1, 2, 3), "classes", 3, dense=True, labels=labels)
    asked = predictor(spec, Thirds(), images=ImageReader((1, 2, 3)))
    path = picture(tmp_path / "a.png", np.array([[0, 128, 255]] * 2, dtype=np.uint8))
    (written,) = predict_files(asked, [path], tmp_path / "out", probability=True)
    assert np.asarray(Image.open(written.files[0])).tolist() == [[0, 1, 2]] * 2
    found = np.load(written.files[1])
    assert found.shape == (3, 2, 3)
    np.testing.assert_allclose(found.sum(0), 1, rtol=1e-6)
    assert "masks, 0 = dark, 1 = grey, 2 = bright" in written.text


def test_dense_values_are_arrays_in_their_unit(tmp_path):
    spec = Spec((1, 2, 3), "real", 1, dense=True, labels=("h",), offset=(5.0,), scale=(2.0,))
    asked = predictor(spec, nn.Identity(), images=ImageReader((1, 2, 3)))
    (written,) = predict_files(asked, [picture(tmp_path / "a.png")], tmp_path / "out")
    found = np.load(written.files[0])
    np.testing.assert_allclose(found, 5 + PIXELS[None] / 127.5, rtol=1e-6)
    assert written.text == "1 image: arrays of values"


def test_a_mask_has_the_size_of_its_image(tmp_path):
    large = picture(tmp_path / "a.png", PIXELS.repeat(4, 0).repeat(4, 1))
    (written,) = predict_files(marker(resized=True), [large], tmp_path / "out")
    found = np.asarray(Image.open(written.files[0]))
    assert found.shape == (8, 12)
    corners = found[np.ix_([0, -1], [0, -1])]
    assert corners.tolist() == [[0, 255], [255, 0]]


def test_enlarging_makes_no_class_between_two_others(tmp_path):
    """Halfway between scores of 0, 20, 30 and 30, 20, 0 the second class would be the largest."""
    spec = Spec((1, 1, 2), "classes", 3, dense=True, labels=("a", "b", "c"))
    asked = predictor(spec, Tops(), images=ImageReader((1, 1, 2), resized=True))
    path = picture(tmp_path / "a.png", np.array([[0] * 8 + [255] * 8], dtype=np.uint8))
    (written,) = predict_files(asked, [path], tmp_path / "out")
    found = np.asarray(Image.open(written.files[0]))
    assert found.tolist() == [[2] * 8 + [0] * 8]


def test_one_answer_per_image_is_a_row(tmp_path):
    spec = Spec((1, 2, 3), "real", 1, labels=("light",))
    asked = predictor(spec, Total(), images=ImageReader((1, 2, 3)))
    picture(tmp_path / "new" / "b.png", 0 * PIXELS)
    a = picture(tmp_path / "a.png")
    (written,) = predict_files(asked, [a, tmp_path / "new"], tmp_path / "out")
    found = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert found["file"].tolist() == ["a.png", "b.png"]
    assert found["prediction"].tolist() == pytest.approx([PIXELS.sum() / 255, 0])
    assert written.text == "2 images, with prediction"


def test_a_damaged_image_is_named(tmp_path):
    path = picture(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"a.png"):
        answer_masks(marker(), [path], [".png"], tmp_path)
