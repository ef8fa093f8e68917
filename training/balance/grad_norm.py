"""GradNorm: terms whose gradients are of one size, and that train at one rate."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ...losses.objective import ObjectiveValue
from ..term_gradients import gram, term_gradients
from .balance import Balance

_TINY = torch.finfo(torch.float32).tiny


class GradNorm(Balance):
    r"""Factors that bring the norms of the terms' gradients together.

    Where $n_i$ is the norm of term $i$'s gradient by the weights $W$ of one shared layer, and
    $w_i$ its factor, those norms are to be

    $$w_i n_i = \bar G\, r_i^\alpha, \qquad \bar G = \operatorname{mean}_i(w_i n_i), \qquad
      r_i = \frac{\tilde L_i}{\operatorname{mean}_j \tilde L_j}, \qquad
      \tilde L_i = \frac{L_i}{L_i(0)}$$

    so a term that has fallen less than the others since its first batch, $r_i > 1$, pulls harder;
    with $\alpha = 0$ all pull alike. The factors follow the gradient of

    $$\frac{1}{\bar G} \sum_i \left| w_i n_i - \bar G\, r_i^\alpha \right|$$

    in which the wanted norms and $\bar G$ count as constants. The paper has no $1/\bar G$, which
    makes a step the same in any unit of the losses; and it moves the factors themselves and then
    scales them to the sum of the number of terms, where here they are its product with a softmax,
    which has that sum and is never negative.

    The gradient shrinks where a large term is scaled down, and Adam's memory of how large it was,
    of a thousand steps with `betas: [0.9, 0.999]`, keeps the steps small for as long: with terms
    orders of magnitude apart shorten it, as `optimizer.betas=[0.9,0.95]`, or bring them nearer by
    their weights.

    Args:
        terms: the names of those that are balanced.
        model: whose weights the terms share.
        alpha: how strongly the terms are to train at one rate.
        lr: learning rate of the factors' logarithms.
        layer: the name of the shared layer, as `net.0`; None for the last that all terms reach.

    Raises:
        ValueError: a negative `alpha`, or no layer of that name.

    References:
        Chen, Badrinarayanan, Lee & Rabinovich 2018, GradNorm: Gradient Normalization for Adaptive
        Loss Balancing in Deep Multitask Networks, eq. 1 and 2, algorithm 1.
    """

    first: Tensor

    def __init__(
        self,
        terms: Sequence[str],
        model: nn.Module,
        *,
        alpha: float = 1.5,
        lr: float = 0.025,
        layer: str | None = None,
    ) -> None:
        super().__init__(terms, lr)
        if alpha < 0:
            raise ValueError(f"alpha must not be negative; got {alpha}")
        self.alpha = alpha
        self._layers = _weights_by_layer(model)
        if layer is not None and layer not in self._layers:
            raise ValueError(
                f"the model has no layer '{layer}' with weights to train: it has "
                f"{', '.join(self._layers)}"
            )
        self._layer = layer
        self.log_factors = nn.Parameter(torch.zeros(len(terms)))
        self.register_buffer("first", torch.full((len(terms),), torch.nan))

    def forward(self, value: ObjectiveValue) -> Tensor:
        """See `Balance.forward`."""
        norms, rates = self._norms(value), self._rates(value)
        sizes = self._softmax() * norms
        mean = sizes.detach().mean()
        gap = (sizes - mean * rates**self.alpha).abs().sum() / mean.clamp_min(_TINY)
        return (self.factors() * self.stacked(value)).sum() + gap

    def factors(self) -> Tensor:
        """See `Balance.factors`."""
        return self._softmax().detach()

    def check(self, value: ObjectiveValue) -> None:
        """See `Balance.check`.

        Raises:
            ValueError: the terms share no layer, or one has no positive value to begin with.
        """
        self._shared(value)
        for name in self.terms:
            if self.alpha and not value.values[name] > 0:
                raise ValueError(
                    f"balance compares each term with what it was at first, and loss.{name} begins "
                    f"at {value.values[name].item():.3g}, which is not positive: set "
                    "balance.alpha=0, or choose another balance"
                )

    def _softmax(self) -> Tensor:
        return len(self.terms) * self.log_factors.softmax(0)

    def _norms(self, value: ObjectiveValue) -> Tensor:
        gradients = term_gradients(self.contributions(value), self._shared(value))
        return gram(gradients).diagonal().sqrt()

    def _rates(self, value: ObjectiveValue) -> Tensor:
        values = torch.stack([value.values[name].detach() for name in self.terms])
        self.first = torch.where(self.first.isnan(), values, self.first)
        ratios = (values / self.first).clamp_min(0)
        return ratios / ratios.mean().clamp_min(_TINY)

    def _shared(self, value: ObjectiveValue) -> Sequence[Tensor]:
        """The weights of the shared layer, which is looked for once."""
        if self._layer is None:
            self._layer = _last_shared(self.contributions(value), self._layers)
        return self._layers[self._layer]


def _weights_by_layer(model: nn.Module) -> dict[str, list[Tensor]]:
    found: dict[str, list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            found.setdefault(name.rpartition(".")[0], []).append(parameter)
    return found


def _last_shared(contributions: Mapping[str, Tensor], layers: Mapping[str, list[Tensor]]) -> str:
    """The last layer, in the order in which the model holds them, that every term reaches."""
    reaching = {name: value for name, value in contributions.items() if value.requires_grad}
    for layer in reversed(list(layers)):
        gradients = term_gradients(reaching, layers[layer])
        if all(any(part is not None for part in parts) for parts in gradients.values()):
            return layer
    raise ValueError(
        f"balance needs a layer that all terms reach, and {', '.join(reaching)} share none: "
        "choose balance=uncertainty, which needs none"
    )
