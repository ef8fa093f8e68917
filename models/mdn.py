"""The mixture density network."""

import torch
from torch import Tensor, nn

from .checks import check_at_least
from .mlp import MLP


class MDN(nn.Module):
    r"""A mixture density network: a whole distribution of the target for each input.

    $$p(y \mid x) = \sum_k \pi_k(x) \prod_j \mathcal{N}\!\left(y_j;\, \mu_{kj}(x),\,
      \sigma_{kj}(x)\right)$$

    A multilayer perceptron gives, for each sample, the logits of the components' shares $\pi$ and
    the means and log-deviations of each component. The components start with means spread over
    $[-1, 1]$, so that each can find a branch of its own.

    Args:
        in_features: numbers in one sample, over all its axes.
        outputs: numbers in the target, $j$.
        components: peaks of the distribution, $k$.
        width: units of every hidden layer.
        depth: number of hidden layers.
        activation: of the hidden layers, as the multilayer perceptron has them.

    Raises:
        ValueError: an option outside its range, or an unknown activation.

    Example:
        >>> model = MDN(in_features=1, outputs=2, components=3)
        >>> {name: tuple(output.shape) for name, output in model(torch.zeros(5, 1)).items()}
        {'mixture_logits': (5, 3), 'mu': (5, 3, 2), 'log_sigma': (5, 3, 2)}

    References:
        Bishop 1994, Mixture Density Networks, section 3.
    """

    def __init__(
        self,
        in_features: int,
        outputs: int,
        *,
        components: int = 5,
        width: int = 64,
        depth: int = 2,
        activation: str = "tanh",
    ) -> None:
        super().__init__()
        check_at_least("components", components, 1)
        self.components, self.outputs = components, outputs
        sizes = components * (1 + 2 * outputs)
        self.network = MLP(in_features, sizes, width=width, depth=depth, activation=activation)
        last = self.network.layers[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            means = last.bias[components : components * (1 + outputs)].view(components, outputs)
            means += torch.linspace(-1, 1, components).unsqueeze(1) if components > 1 else 0

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        """`mixture_logits [batch, components]`; `mu`, `log_sigma [batch, components, outputs]`."""
        answer = self.network(input)
        means = self.components * self.outputs
        logits, mu, log_sigma = answer.split([self.components, means, means], -1)
        shape = (self.components, self.outputs)
        return {
            "mixture_logits": logits,
            "mu": mu.unflatten(-1, shape),
            "log_sigma": log_sigma.unflatten(-1, shape),
        }


def draw_from_mixture(
    outputs: dict[str, Tensor], generator: torch.Generator | None = None
) -> Tensor:
    """One draw for each row of the model's outputs, `[batch, outputs]`."""
    shares = outputs["mixture_logits"].softmax(-1)
    which = torch.multinomial(shares, 1, generator=generator).unsqueeze(-1)
    which = which.expand(-1, 1, outputs["mu"].shape[-1])
    mu, log_sigma = (outputs[name].gather(1, which).squeeze(1) for name in ("mu", "log_sigma"))
    noise = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
    return mu + log_sigma.exp() * noise
