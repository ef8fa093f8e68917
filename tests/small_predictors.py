"""Predictors without a training, and pictures for them."""

import numpy as np
import torch
from losslab.analysis.predict import Predictor
from losslab.data.images import ImageReader
from losslab.data.spec import Spec
from losslab.training.step import NamedModel
from PIL import Image
from torch import nn

PIXELS = np.array([[0, 100, 255], [255, 200, 0]], dtype=np.uint8)


class Total(nn.Module):
    """The sum of the features, as one answer."""

    def forward(self, input):
        return input.flatten(1).sum(1, keepdim=True)


class Bright(nn.Module):
    """Per pixel: a yes where it is brighter than a half."""

    def forward(self, input):
        return 10 * (input - 0.5)


def predictor(spec, model, table=None, images=None, cut=0.0):
    named = NamedModel(model, spec.main_output)
    return Predictor(spec, named, table, images, torch.device("cpu"), batch_size=2, cut=cut)


def picture(path, pixels=PIXELS):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def marker(resized=False, cut=0.0):
    """Marks what is brighter than a half."""
    spec = Spec((1, 2, 3), "binary", 1, dense=True, labels=("ground", "cell"))
    return predictor(spec, Bright(), images=ImageReader((1, 2, 3), resized=resized), cut=cut)
