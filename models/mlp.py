"""temporary"""

from torch import nn


class MLP(nn.Sequential):
    """A multilayer perceptron."""

    def __init__(self, in_features: int, outputs: int, *, width: int = 64, depth: int = 2, dropout: float = 0.0):
        layers = [nn.Flatten()]
        for _ in range(depth):
            layers += [nn.Linear(in_features, width), nn.ReLU()]
            if dropout:
                layers.append(nn.Dropout(dropout))
            in_features = width
        super().__init__(*layers, nn.Linear(in_features, outputs))
