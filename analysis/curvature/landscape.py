r"""A slice of the loss through the weights found, along random directions.

$L(\theta + a\,d_1 + b\,d_2)$ for steps a and b from −1 to 1. Scaling the weights of a layer up and
of the next one down changes nothing in what a rectified network answers, and much in how steep its
loss looks, so each filter of a direction is given the norm of the model's own:
$d_j \leftarrow \frac{d_j}{\|d_j\|} \|\theta_j\|$. Biases and the scales of a batch normalisation
stay where they are, unless the model has nothing else.

References:
    H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, Visualizing the loss landscape of neural nets.
    NeurIPS (2018), section 4.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .subject import Subject, part


@dataclass(frozen=True)
class Landscape:
    """The loss on a line or a plane.

    Args:
        steps: along each direction, `[steps]`; 0 is among them.
        values: by the total and each term, its weight included; `[steps]` or `[steps, steps]`, the
            first direction first.
    """

    steps: Tensor
    values: dict[str, Tensor]


def landscape(
    subject: Subject,
    *,
    plane: bool = False,
    steps: int | None = None,
    reach: float = 1.0,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Landscape:
    """Evaluate the loss along one or two random directions.

    Args:
        subject: the loss, the data and the weights, which are put back.
        plane: along two directions.
        steps: along each, odd; 41 on a line and 21 on a plane if None.
        reach: the longest step, in norms of the weights.
        seed: of the directions.
        tell: hears how many of how many points are done.
    """
    along = torch.linspace(-reach, reach, steps or (21 if plane else 41), dtype=torch.float64)
    directions = [direction(list(subject.weights.values()), seed + i) for i in range(1 + plane)]
    points = torch.cartesian_prod(*([along] * len(directions))).view(-1, len(directions))
    start = [weight.detach().clone() for weight in subject.weights.values()]
    rows = []
    try:
        for done, point in enumerate(points.tolist()):
            _move(subject, start, directions, point)
            rows.append(losses(subject))
            tell(done + 1, len(points))
    finally:
        _move(subject, start, [], [])
    shape = [len(along)] * len(directions)
    values = {
        name: torch.tensor([row[name] for row in rows], dtype=along.dtype).view(shape)
        for name in subject.terms
    }
    return Landscape(along, values)


def direction(weights: Sequence[Tensor], seed: int = 0) -> list[Tensor]:
    """A random direction, each filter as long as that of the weights.

    A filter is what makes one output: a row of a matrix, `weight[i]`.
    """
    generator = torch.Generator().manual_seed(seed)
    only_vectors = all(weight.ndim < 2 for weight in weights)
    return [_like(weight.detach(), generator, only_vectors) for weight in weights]


def _like(weight: Tensor, generator: torch.Generator, only_vectors: bool) -> Tensor:
    if weight.ndim < 2 and not only_vectors:
        return torch.zeros_like(weight)
    drawn = torch.randn(weight.shape, generator=generator).to(weight)
    filters = 1 if weight.ndim < 2 else len(weight)
    rows, own = drawn.reshape(filters, -1), weight.reshape(filters, -1)
    scale = own.norm(dim=1, keepdim=True) / rows.norm(dim=1, keepdim=True)
    return torch.mul(rows, scale).view(weight.shape)


@torch.no_grad()
def _move(
    subject: Subject,
    start: Sequence[Tensor],
    directions: Sequence[Sequence[Tensor]],
    point: Sequence[float],
) -> None:
    for index, weight in enumerate(subject.weights.values()):
        weight.copy_(start[index])
        for step, towards in zip(point, directions, strict=True):
            weight.add_(towards[index], alpha=step)


@torch.no_grad()
def losses(subject: Subject) -> dict[str, float]:
    """The total and what each term contributes, at the weights as they are."""
    sums = dict.fromkeys(subject.terms, 0.0)
    for index, share in enumerate(subject.shares):
        value = subject.objective(index, subject.outputs(index))
        for name in sums:
            sums[name] += share * part(value, name).item()
    return sums
