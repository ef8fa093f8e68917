"""The variational autoencoder."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

from .checks import check_at_least, check_choice, check_image
from .mlp import MLP

Kind = Literal["mlp", "conv"]


class VAE(nn.Module):
    r"""A variational autoencoder: an encoder to a few noisy latents, and a decoder back.

    For an input $x$ the encoder gives the mean $\mu$ and the log-variance $\lambda$ of a Gaussian
    over the latents. While training, the decoder reads a sample of it, drawn so that the gradient
    reaches $\mu$ and $\lambda$; in evaluation it reads the mean:

    $$h = \mu + e^{\lambda / 2} \varepsilon, \quad \varepsilon \sim \mathcal{N}(0, 1)$$

    The reconstruction is a sigmoid, so the input is to lie in [0, 1].

    Args:
        input_shape: of one sample; (channels, height, width) for `conv`.
        latent: number of latents.
        kind: `mlp` reads the input as a row of numbers; `conv` halves an image `depth` times with
            convolutions and doubles it back, for sides of any length.
        width: units of each hidden layer; for `conv`, channels of the smallest map, halved at each
            size above it.
        depth: number of hidden layers, or convolutions, on either side.

    Raises:
        ValueError: an unknown kind, an option outside its range, or `conv` on what is no image.

    Example:
        >>> model = VAE(input_shape=(1, 8, 8), latent=2)
        >>> outputs = model(torch.rand(5, 1, 8, 8))
        >>> {name: tuple(tensor.shape) for name, tensor in outputs.items() if tensor.ndim == 2}
        {'mu': (5, 2), 'logvar': (5, 2), 'latent': (5, 2)}
        >>> outputs["reconstruction"].shape, outputs["reconstruction_logits"].shape
        (torch.Size([5, 1, 8, 8]), torch.Size([5, 1, 8, 8]))

    References:
        Kingma & Welling 2014, Auto-Encoding Variational Bayes, section 3 and appendix C.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        *,
        latent: int = 8,
        kind: Kind = "mlp",
        width: int = 128,
        depth: int = 2,
    ) -> None:
        super().__init__()
        check_choice("kind", kind, ("mlp", "conv"))
        for name, value in (("latent", latent), ("width", width), ("depth", depth)):
            check_at_least(name, value, 1)
        self.encoder: nn.Module
        self.decoder: nn.Module
        if kind == "mlp":
            features = prod(input_shape)
            self.encoder = MLP(features, 2 * latent, width=width, depth=depth)
            self.decoder = MLP(latent, features, width=width, depth=depth)
        else:
            check_image("VAE with kind=conv", input_shape)
            self.encoder, self.decoder = _convolutions(input_shape, latent, width, depth)

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        """What the decoder gives is shaped like the input; `mu` and the rest `[batch, latents]`."""
        mu, logvar = self.encoder(input).chunk(2, 1)
        latent = mu
        if self.training:
            latent = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        logits = self.decoder(latent).reshape(input.shape)
        return {
            "reconstruction": torch.sigmoid(logits),
            "reconstruction_logits": logits,
            "mu": mu,
            "logvar": logvar,
            "latent": latent,
        }


def _convolutions(
    input_shape: Sequence[int], latent: int, width: int, depth: int
) -> tuple[nn.Sequential, nn.Sequential]:
    """Encoder and decoder of strided convolutions that mirror each other."""
    in_channels, *sides = input_shape
    channels = [in_channels, *(max(1, width >> level) for level in reversed(range(depth)))]
    down: list[nn.Module] = []
    up: list[nn.Module] = []
    for a, b in pairwise(channels):
        down += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ReLU()]
        # From m = (n + 1) // 2 back to a side n: 2m − 1, and one more where n is even.
        even = (1 - sides[0] % 2, 1 - sides[1] % 2)
        back = nn.ConvTranspose2d(b, a, 3, stride=2, padding=1, output_padding=even)
        up = [nn.ReLU(), back, *up]
        sides = [(side + 1) // 2 for side in sides]
    smallest = (width, *sides)
    encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(prod(smallest), 2 * latent))
    decoder = nn.Sequential(nn.Linear(latent, prod(smallest)), nn.Unflatten(1, smallest), *up)
    return encoder, decoder
