"""What is trained: modules that take tensors by name and return a tensor, or a dict of named ones.

A parameter of `__init__` named like one of the data's sizes (`in_features`, `in_channels`,
`input_shape`, `outputs`, …) is given by the data; every other one is an option, set in
`conf/model/`.
"""

from .actor_critic import ActorCritic
from .conv_chain import ConvChain
from .conv_regressor import ConvRegressor
from .equation import Equation
from .linear import Linear
from .maxout import Maxout
from .mdn import MDN
from .mlp import MLP
from .unet import UNet
from .vae import VAE

__all__ = [
    "MDN",
    "MLP",
    "VAE",
    "ActorCritic",
    "ConvChain",
    "ConvRegressor",
    "Equation",
    "Linear",
    "Maxout",
    "UNet",
]
