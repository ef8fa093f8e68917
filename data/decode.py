"""Image files as tensors: PNG, JPEG, TIFF and BMP through Pillow, NPY through numpy."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

TYPES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy")

_GREY = ("1", "L", "LA", "La", "I", "F")  # Pillow's modes with one channel, beside those of 16 bits
_FULL = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}


def read_header(path: Path) -> tuple[int, int, int]:
    """Channels, height and width of an image, without reading its pixels.

    Raises:
        ValueError: a file that can't be read as an image.
    """
    from PIL import Image

    try:
        if path.suffix.lower() == ".npy":
            channels, height, width = _channels_first(np.load(path, mmap_mode="r")).shape
            return int(channels), int(height), int(width)
        with Image.open(path) as image:
            if (pages := getattr(image, "n_frames", 1)) > 1:
                raise ValueError(f"{pages} pages; expected one image in a file")
            return 1 if _is_grey(image.mode) else 3, image.height, image.width
    except Exception as error:  # whatever a decoder raises, the file can't be used
        raise ValueError(_reason(error)) from error


def decode_input(data: bytes, suffix: str, channels: int) -> Tensor:
    """An image `[channels, height, width]`, float32.

    Numbers of 8 and 16 bits become [0, 1], others stay as they are. One channel becomes three by
    repetition, three become one by their luminance (0.299, 0.587, 0.114).

    Raises:
        ValueError: an unreadable file, another number of channels, values that are not finite.
    """
    array = _read(data, suffix, indices=False)
    pixels: Tensor = torch.from_numpy(array.astype(np.float32, order="C"))
    pixels = pixels / _FULL.get(array.dtype, 1.0)
    if wrong := int((~pixels.isfinite()).sum()):
        raise ValueError(f"{wrong:,} of {pixels.numel():,} values are not finite")
    if len(pixels) == 1 and channels == 3:
        return pixels.repeat(3, 1, 1)
    if len(pixels) == 3 and channels == 1:
        luminance = torch.tensor([0.299, 0.587, 0.114]).reshape(3, 1, 1)
        return (luminance * pixels).sum(0, keepdim=True)
    if len(pixels) != channels:
        raise ValueError(f"{len(pixels)} channels; expected {channels}")
    return pixels


def decode_mask(data: bytes, suffix: str) -> Tensor:
    """A mask `[height, width]`, int32, with the values that are in the file.

    Raises:
        ValueError: an unreadable file, a coloured mask, numbers that are not finite and whole.
    """
    array = _read(data, suffix, indices=True)
    if len(array) > 1 and (array != array[:1]).any():
        raise ValueError("a mask in colours: expected one number per pixel")
    mask = array[0]
    if not np.isfinite(mask).all():
        raise ValueError(f"{int((~np.isfinite(mask)).sum()):,} values are not finite")
    wrong = mask[(mask != np.round(mask)) | (np.abs(mask) >= 2**31)]
    if wrong.size:
        raise ValueError(f"a mask with {wrong[0]:g} in it: expected whole numbers of 32 bits")
    return torch.from_numpy(mask.astype(np.int32, order="C"))


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """An image, `[channels, height, width]`, smoothly in another size."""
    if image.shape[-2:] == size:
        return image
    return F.interpolate(image[None], size, mode="bilinear", antialias=True)[0]


def resize_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """A mask, `[height, width]`, in another size, with no values but its own."""
    if mask.shape == size:
        return mask
    resized = F.interpolate(mask.double()[None, None], size, mode="nearest-exact")
    return resized[0, 0].to(mask.dtype)


def _read(data: bytes, suffix: str, *, indices: bool) -> Any:
    """The array in a file, `[channels, height, width]`; `indices` keeps a palette's numbers."""
    from PIL import Image

    try:
        if suffix.lower() == ".npy":
            return _channels_first(np.load(BytesIO(data), allow_pickle=False))
        with Image.open(BytesIO(data)) as image:
            if not _is_grey(image.mode) and not (image.mode == "P" and indices):
                return np.moveaxis(np.asarray(image.convert("RGB")), 2, 0)
            if image.mode in ("LA", "La"):
                return np.asarray(image.convert("L"))[None]
            array = np.asarray(image)[None]
            if image.mode == "I" and not indices:  # how some versions of Pillow open 16 bits
                if array.min() < 0 or array.max() > 65535:
                    raise ValueError("32-bit integers: save it with 8 or 16 bits, or as NPY floats")
                return array.astype(np.uint16)
            return array.astype(array.dtype.newbyteorder("="))
    except Exception as error:  # whatever a decoder raises, the file can't be used
        raise ValueError(_reason(error)) from error


def _channels_first(array: Any) -> Any:
    """`[channels, height, width]` from that, `[height, width]`, or `[height, width, channels]`.

    Of the first and the last axis the shorter one is the channels.
    """
    if array.dtype.kind not in "biuf":
        raise ValueError(f"an array of {array.dtype}; expected numbers")
    if array.ndim == 2:
        return array[None]
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(
            f"an array of shape {array.shape}; expected [height, width] with or without channels"
        )
    return array if array.shape[0] <= array.shape[2] else np.moveaxis(array, 2, 0)


def _is_grey(mode: str) -> bool:
    return mode in _GREY or mode.startswith("I;16")


def _reason(error: Exception) -> str:
    """What a library says about a file, in a line and without the name of our buffer."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "not an image that can be read" if "cannot identify" in text else text
