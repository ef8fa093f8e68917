"""How a case of a loss is drawn: its inputs by seed, and what is known of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

BATCH = 5
ANSWERS = frozenset(
    {"logits", "prediction", "probability", "reconstruction", "reconstruction_logits"}
    | {"mu", "logvar", "log_sigma", "log_scale", "latent", "quantiles", "mixture_logits"}
    | {"nu_logits", "alpha_logits", "beta_logits", "members"}
    | {"real_logits", "fake_logits", "reversed_logits"}
    | {"log_prob", "value", "discriminator_logits", "parameters", "model"}
)
"""What the model gives; every other name comes with the batch."""

Draw = Callable[[torch.Generator], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One way to call a loss.

    Args:
        file: the loss's file in conf/loss.
        draw: its inputs by name, in double precision and in the order of its parameters.
        options: what differs from the defaults.
        couples_rows: the value of one row depends on the others.
        weighable: rows can be weighted and left out.
        numeric: options that may be tensors under vmap, when runs that differ in them are trained
            at once.
        perfect: for the inputs drawn, the answers that say what the target says.
        extreme: the largest logit, prediction, … at which value and gradient can be held in fp32.
        model: where the loss asks for `model`, the outputs by name from weights, which are drawn in
            its place, and input.
    """

    file: str
    draw: Draw
    options: Mapping[str, Any] = field(default_factory=dict)
    couples_rows: bool = False
    weighable: bool = True
    numeric: tuple[str, ...] = ()
    perfect: Callable[[dict[str, Any]], dict[str, Tensor]] | None = None
    extreme: float = 1e4
    model: Callable[[Mapping[str, Tensor], Tensor], Mapping[str, Tensor]] | None = None


def normal(*shape: int) -> Callable[[torch.Generator], Tensor]:
    return lambda g: torch.randn(*shape, generator=g, dtype=torch.double)


def unit(*shape: int) -> Callable[[torch.Generator], Tensor]:
    return lambda g: torch.rand(*shape, generator=g, dtype=torch.double)


def index(classes: int, *shape: int) -> Callable[[torch.Generator], Tensor]:
    return lambda g: torch.randint(classes, shape, generator=g)


def mask(*shape: int) -> Callable[[torch.Generator], Tensor]:
    """A mask in which every image has both kinds of pixel."""

    def draw(g: torch.Generator) -> Tensor:
        values = torch.randint(2, shape, generator=g).double()
        values.flatten(1)[:, :2] = torch.tensor([0.0, 1.0]).double()
        return values

    return draw


def simplex(batch: int, classes: int) -> Callable[[torch.Generator], Tensor]:
    return lambda g: torch.randn(batch, classes, generator=g, dtype=torch.double).softmax(1)


def drawn(**tensors: Callable[[torch.Generator], Any]) -> Draw:
    return lambda g: {name: draw(g) for name, draw in tensors.items()}


def weights(g: torch.Generator) -> dict[str, Tensor]:
    return {
        "layer.weight": normal(2, 3)(g),
        "layer.bias": normal(2)(g),
        "head.weight": normal(2)(g),
    }


IMAGE = (BATCH, 1, 2, 3)
CLASSES = (BATCH, 3, 2, 3)
PAIR = drawn(logits=normal(BATCH, 1), target=index(2, BATCH, 1))
SOFT_IMAGE = drawn(logits=normal(*IMAGE), target=unit(*IMAGE))
MASK = drawn(logits=normal(*IMAGE), target=mask(*IMAGE))
PIXELS = drawn(logits=normal(*CLASSES), target=index(3, BATCH, 2, 3))
INDICES = drawn(logits=normal(BATCH, 4), target=index(4, BATCH))
REAL = drawn(prediction=normal(BATCH, 2), target=normal(BATCH, 2))
LATENT = drawn(mu=normal(BATCH, 3), logvar=normal(BATCH, 3))
PARAMETERS = drawn(parameters=weights)


def certain(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Logits that say what the target says, with much confidence."""
    logits, target = inputs["logits"], inputs["target"]
    if target.shape == logits.shape:
        return {"logits": 16 * (2 * target.to(logits.dtype) - 1)}
    classes = torch.arange(logits.shape[1]).reshape(-1, *[1] * (target.ndim - 1))
    return {"logits": 16 * (target.unsqueeze(1) == classes).to(logits.dtype)}


def exact(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """A prediction that is the target."""
    return {"prediction": inputs["target"].clone()}
