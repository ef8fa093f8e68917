"""Image files as tensors, written by Pillow and numpy."""

from io import BytesIO

import numpy as np
import pytest
import torch
from losslab.data.decode import decode_input, decode_mask, read_header, resize, resize_mask
from PIL import Image

GREY = np.array([[0, 51, 102], [153, 204, 255]], np.uint8)
RGB = np.stack([GREY, GREY // 2, 255 - GREY], axis=2)


def png(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_eight_bits_become_zero_to_one(kind):
    pixels = decode_input(png(Image.fromarray(GREY), kind), f".{kind.lower()}", 1)
    torch.testing.assert_close(pixels, torch.tensor([[[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]]]))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_become_zero_to_one(kind):
    pixels = decode_input(png(Image.fromarray(GREY.astype(np.uint16) * 257), kind), ".png", 1)
    torch.testing.assert_close(pixels, torch.tensor([[[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]]]))


def test_colours_are_three_channels():
    pixels = decode_input(png(Image.fromarray(RGB)), ".png", 3)
    torch.testing.assert_close(pixels, torch.tensor(RGB / 255).float().permute(2, 0, 1))


def test_jpeg_comes_close():
    flat = np.full((8, 8), 128, np.uint8)
    pixels = decode_input(png(Image.fromarray(flat), "JPEG"), ".jpg", 1)
    torch.testing.assert_close(pixels, torch.full((1, 8, 8), 128 / 255), atol=1e-6, rtol=0)


def test_transparency_is_left_out():
    image = Image.fromarray(RGB)
    image.putalpha(7)
    assert torch.equal(
        decode_input(png(image), ".png", 3), decode_input(png(Image.fromarray(RGB)), ".png", 3)
    )
    grey = Image.fromarray(GREY)
    grey.putalpha(7)
    assert decode_input(png(grey), ".png", 1)[0, 1].tolist() == pytest.approx([0.6, 0.8, 1.0])


def test_a_palette_is_colours_in_an_image_and_numbers_in_a_mask():
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    assert decode_input(png(image), ".png", 3)[:, 0].tolist() == torch.eye(3).tolist()
    assert decode_mask(png(image), ".png").tolist() == [[0, 1, 2]]


def test_grey_becomes_colours_and_colours_grey():
    grey, colours = png(Image.fromarray(GREY)), png(Image.fromarray(RGB))
    assert torch.equal(decode_input(grey, ".png", 3), decode_input(grey, ".png", 1).repeat(3, 1, 1))
    red, green, blue = torch.tensor(RGB / 255).float().permute(2, 0, 1)
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R BT.601
    torch.testing.assert_close(decode_input(colours, ".png", 1)[0], luminance)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GREY, GREY[None] / 255),
        (GREY.astype(np.uint16), GREY[None] / 65535),
        (GREY.astype(np.float64) - 300, GREY[None] - 300.0),
        (GREY.astype(np.int64), GREY[None]),
        (GREY > 100, GREY[None] > 100),
        (RGB[:, :2].repeat(2, 0), RGB[:, :2].repeat(2, 0).transpose(2, 0, 1) / 255),
        (np.zeros((5, 8, 9)), np.zeros((5, 8, 9))),
        (np.zeros((8, 9, 5)), np.zeros((5, 8, 9))),
    ],
    ids=["uint8", "uint16", "float64", "int64", "bool", "colours", "channels first", "last"],
)
def test_arrays(array, expected):
    pixels = decode_input(npy(array), ".npy", len(expected))
    assert pixels.dtype == torch.float32
    torch.testing.assert_close(pixels, torch.tensor(expected.astype(np.float32)))


@pytest.mark.parametrize(
    "data",
    [
        npy(GREY),
        npy(GREY[None]),
        npy(GREY[..., None].astype(np.float32)),
        png(Image.fromarray(GREY)),
        png(Image.fromarray(GREY.astype(np.int32)), "TIFF"),
        png(Image.fromarray(np.stack([GREY] * 3, 2))),
    ],
    ids=["uint8", "channel first", "float", "PNG", "32 bits", "grey in colours"],
)
def test_masks_keep_their_numbers(data):
    mask = decode_mask(data, ".npy" if data.startswith(b"\x93NUMPY") else ".png")
    assert (mask.tolist(), mask.dtype) == (GREY.tolist(), torch.int32)


def test_a_mask_of_one_bit():
    assert decode_mask(png(Image.fromarray(GREY > 100)), ".png").tolist() == [[0, 0, 1], [1, 1, 1]]


def test_headers_tell_the_shape(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "g.png")
    Image.fromarray(RGB).save(tmp_path / "c.TIF")
    Image.fromarray(GREY.astype(np.uint16)).save(tmp_path / "s.png")
    np.save(tmp_path / "n.npy", np.zeros((8, 9, 5)))
    names = ("g.png", "c.TIF", "s.png", "n.npy")
    shapes = [read_header(tmp_path / name) for name in names]
    assert shapes == [(1, 2, 3), (3, 2, 3), (1, 2, 3), (5, 8, 9)]


def test_resizing_is_smooth_for_images_and_keeps_the_numbers_of_masks():
    image = torch.zeros(1, 4, 4)
    image[:, :, 2:] = 1
    assert resize(image, (4, 4)) is image
    small = resize(image, (2, 2))[0, 0]
    assert small[0] < 0.2 < 0.8 < small[1]
    mask = torch.tensor([[0, 0, 7, 7]] * 4, dtype=torch.int32)
    assert resize_mask(mask, (4, 4)) is mask
    assert resize_mask(mask, (2, 2)).tolist() == [[0, 7], [0, 7]]
    assert resize_mask(mask, (3, 5)).unique().tolist() == [0, 7]
    assert resize_mask(mask, (2, 2)).dtype == torch.int32


@pytest.mark.parametrize(
    ("data", "suffix", "text"),
    [
        (b"no image", ".png", "not an image that can be read"),
        (png(Image.fromarray(RGB).resize((64, 64)))[:-200], ".png", "."),
        (b"", ".npy", "."),
        (npy(np.array(["a"])), ".npy", "an array of <U1; expected numbers"),
        (npy(np.zeros(3)), ".npy", r"an array of shape \(3,\); expected \[height, width\]"),
        (npy(np.array([[1, np.nan], [np.inf, 2]])), ".npy", "2 of 4 values are not finite"),
        (npy(np.zeros((5, 8, 9))), ".npy", "5 channels; expected 3"),
    ],
    ids=["no image", "cut off", "empty", "text", "a row", "not finite", "channels"],
)
def test_images_that_can_not_be_used(data, suffix, text):
    with pytest.raises(ValueError, match=text):
        decode_input(data, suffix, 3)


def test_32_bit_integers_have_no_scale():
    data = png(Image.fromarray(np.array([[0, 70000]], np.int32)), "TIFF")
    with pytest.raises(ValueError, match="32-bit integers: save it with 8 or 16 bits"):
        decode_input(data, ".tif", 1)
    small = png(Image.fromarray(np.array([[0, 65535]], np.int32)), "TIFF")
    assert decode_input(small, ".tif", 1).tolist() == [[[0, 1]]]


@pytest.mark.parametrize(
    ("data", "suffix", "text"),
    [
        (png(Image.fromarray(RGB)), ".png", "a mask in colours: expected one number per pixel"),
        (npy(np.array([[0, 0.5]])), ".npy", "a mask with 0.5 in it: expected whole numbers"),
        (npy(np.array([[0, 2**40]])), ".npy", r"a mask with 1.09951e\+12 in it: .* of 32 bits"),
        (npy(np.array([[0, np.nan]])), ".npy", "1 values are not finite"),
    ],
    ids=["colours", "fraction", "too large", "not finite"],
)
def test_masks_that_can_not_be_used(data, suffix, text):
    with pytest.raises(ValueError, match=text):
        decode_mask(data, suffix)


def test_files_whose_header_can_not_be_read(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="not an image that can be read"):
        read_header(tmp_path / "a.png")
    pages = [Image.fromarray(GREY)] * 3
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ValueError, match="3 pages; expected one image in a file"):
        read_header(tmp_path / "pages.tif")
