"""What is trained: modules that take tensors by name and return a tensor, or a dict of named ones.

A parameter of `__init__` named like one of the data's sizes (`in_features`, `in_channels`,
`input_shape`, `outputs`, …) is given by the data; every other one is an option, set in
`conf/model/`.
"""

from .conv_regressor import ConvRegressor
from .linear import Linear
from .maxout import Maxout
from .mlp import MLP
from .unet import UNet
from .vae import VAE

__all__ = ["MLP", "VAE", "ConvRegressor", "Linear", "Maxout", "UNet"]
