"""Answers to images, in files: masks, arrays of probabilities, or a table with a row for each."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..data.decode import read_header, resize
from ..data.messages import counted, listed
from ..data.spec import Spec
from ..errors import UserError
from ..training.metrics import Regression
from ..training.step import Outputs
from .decoded import answer_of, label_names, probabilities
from .predict import Predictor

SUMMARY = "predictions.csv"


def answer_images(predictor: Predictor, files: Sequence[Path], folder: Path) -> tuple[str, str]:
    """Write `predictions.csv`, a row for each image; what it holds, and no note.

    Args:
        predictor: the trained run, with one answer to an image.
        files: the images.
        folder: where it is written.

    Raises:
        UserError: an image that can't be read, or no answer.
    """
    import pandas as pd

    parts = [predictor.decode(answers) for _, answers in _batches(predictor, files)]
    found = pd.concat(parts, ignore_index=True)
    found.insert(0, "file", [file.name for file in files])
    found.to_csv(folder / SUMMARY, index=False)
    return f"{counted(len(files), 'image')}, with {listed(found.columns[1:], 4)}", ""


def kinds_of(predictor: Predictor, probability: bool) -> tuple[str, ...]:
    """What is written for each image: a mask, an array, or both."""
    spec = predictor.spec
    if spec.target != "binary" and not (spec.target == "classes" and spec.outputs <= 256):
        return (".npy",)
    return (".png", ".npy") if probability else (".png",)


def answer_masks(
    predictor: Predictor, files: Sequence[Path], kinds: Sequence[str], folder: Path
) -> tuple[str, str]:
    """Write a mask for each image, an array or both; what they hold, and no note.

    A mask of yes and no has 255 and 0, one of classes their numbers; arrays are probabilities of
    yes, `[height, width]`, of classes and labels, `[channels, height, width]`, or values.

    Args:
        predictor: the trained run, with an answer to each pixel.
        files: the images.
        kinds: `.png`, `.npy` or both, see `kinds_of`.
        folder: where they are written, by the images' names.

    Raises:
        UserError: an image that can't be read, or no answer.
    """
    import numpy as np
    from PIL import Image

    spec = predictor.spec
    for some, answers in _batches(predictor, files):
        for file, answer in zip(some, _pixels(answers, spec), strict=True):
            # In the image's own size. Between two pixels of scores a third class might be largest.
            found = resize(answer, read_header(file)[1:])
            if ".png" in kinds:
                mask = _mask(found, predictor.threshold)
                Image.fromarray(mask.to(torch.uint8).numpy()).save(folder / f"{file.stem}.png")
            if ".npy" in kinds:
                kept = found[1] if spec.target == "binary" else found
                np.save(folder / f"{file.stem}.npy", kept.float().numpy())
    held = "arrays of values" if spec.target == "real" else "arrays of probabilities"
    if ".png" in kinds:
        step = 255 if spec.target == "binary" else 1
        names = label_names(spec, spec.classes)
        values = [str(step * i) for i in range(len(names))]
        if values == list(names):
            labels = f" of {listed(values, 4)}"
        else:
            pairs = zip(values, names, strict=True)
            labels = f", {listed((f'{value} = {name}' for value, name in pairs), 4)}"
        held = f"masks{labels}" + (f"; {held}" if ".npy" in kinds else "")
    return f"{counted(len(files), 'image')}: {held}", ""


def _pixels(answers: Outputs, spec: Spec) -> Tensor:
    """Probabilities, or values in their units, of each pixel: `[images, channels, ...]`."""
    if spec.target != "real":
        return probabilities(answers, spec)
    values = answer_of(answers, spec)
    rows = Regression(spec).in_units(values)
    return rows.reshape(len(values), *values.shape[2:], -1).movedim(-1, 1)


def _mask(found: Tensor, threshold: float | None) -> Tensor:
    """`[height, width]`: 0 and 255 for no and yes, or the number of the class."""
    return found.argmax(0) if threshold is None else 255 * (found[1] > threshold)


def _batches(
    predictor: Predictor, files: Sequence[Path]
) -> Iterator[tuple[Sequence[Path], Outputs]]:
    """The files and the model's answers to them, some at a time."""
    assert predictor.images is not None
    for first in range(0, len(files), predictor.batch_size):
        some = files[first : first + predictor.batch_size]
        try:
            inputs = predictor.images.read(some)
        except ValueError as error:
            raise UserError(str(error)) from error
        yield some, predictor.answers(inputs)
