r"""The Hessian of the loss by the weights: $H = \nabla^2 L(\theta)$.

A product is the gradient of a number, $H v = \nabla_\theta \left(v^\top \nabla L(\theta)\right)$
(Pearlmutter 1994): one backward pass through the graph of the gradient. That graph does not depend
on v. It is built once and kept for all products as far as memory allows, which is what makes a
product cost less than two gradients; batches whose graph is not kept have it rebuilt for every
block of vectors.

References:
    B. A. Pearlmutter, Fast exact multiplication by the Hessian. Neural Computation 6 (1994).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from ...errors import UserError
from .operator import GRAPH_BYTES
from .subject import TOTAL, Subject, flat

Graph = TypeVar("Graph")


class OverBatches(ABC, Generic[Graph]):
    """An `Operator` that is a mean over batches, of each of which it keeps a graph.

    Args:
        subject: the loss, the data and the weights.
        term: of the objective, its weight included; or the total.
        graph_bytes: what kept graphs may take.
    """

    def __init__(self, subject: Subject, term: str = TOTAL, graph_bytes: int = GRAPH_BYTES) -> None:
        self.subject = subject
        self.term = term
        self.size = subject.size
        self._weights = list(subject.weights.values())
        self.like = self._weights[0].detach()
        self._graphs = KeptGraphs(self._graph, len(subject.batches), graph_bytes)

    def products(self, vectors: Tensor) -> Tensor:
        """See `Operator.products`."""
        total = torch.zeros_like(vectors)
        for index, share in enumerate(self.subject.shares):
            graph = self._graphs(index)
            if self._is_curved(graph):
                for row, vector in zip(total, vectors, strict=True):
                    row.add_(self._product(graph, vector), alpha=share)
        return total

    @abstractmethod
    def _graph(self, index: int) -> Graph:
        """The graph of a batch."""

    @abstractmethod
    def _is_curved(self, graph: Graph) -> bool:
        """Whether its products are anything but 0."""

    @abstractmethod
    def _product(self, graph: Graph, vector: Tensor) -> Tensor:
        """The batch's product with a vector, `[size]`."""


class Hessian(OverBatches[Tensor]):
    """H as an `Operator`; the graph of a batch is that of its gradient. See `OverBatches`."""

    def gradient(self) -> Tensor:
        r"""$\nabla L(\theta)$, `[size]`."""
        parts = [self._graphs(i).detach() * s for i, s in enumerate(self.subject.shares)]
        return torch.stack(parts).sum(0)

    def _is_curved(self, graph: Tensor) -> bool:
        return graph.requires_grad  # else the loss is linear in the weights

    def _product(self, graph: Tensor, vector: Tensor) -> Tensor:
        return flat(derivatives(graph, self._weights, vector))

    def _graph(self, index: int) -> Tensor:
        loss = self.subject.loss(index, self.term)
        if not loss.requires_grad:
            return self.like.new_zeros(self.size)
        gradient = flat(derivatives(loss, self._weights, create_graph=True))
        if index == 0:
            check_derivable(gradient, self.term)
        return gradient


def check_derivable(gradient: Tensor, term: str) -> None:
    """See that the gradient does not hide an operation that can't be derived again.

    Autograd leaves such an operation out without a word where it is asked for some tensors only.

    Raises:
        UserError: it does.
    """
    seen: set[Any] = set()
    left: list[Any] = [gradient.grad_fn]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        if node.name() in ("torch::autograd::Error", "NotImplemented"):
            raise UserError(
                f"curvature needs second derivatives, and {term} goes through a function whose "
                "backward can be derived once only (@once_differentiable): write it in torch "
                "operations"
            )
        seen.add(node)
        left += [inner for inner, _ in node.next_functions]


def derivatives(
    of: Tensor | list[Tensor],
    by: list[Tensor],
    along: Tensor | list[Tensor] | None = None,
    *,
    create_graph: bool = False,
) -> tuple[Tensor, ...]:
    r"""$\left(\partial\,\mathrm{of} / \partial\,\mathrm{by}\right)^\top \mathrm{along}$.

    The graph stays; what `of` does not depend on has derivative 0.
    """
    return torch.autograd.grad(
        of,
        by,
        along,
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
        materialize_grads=True,
    )


class KeptGraphs(Generic[Graph]):
    """Makes a batch's graph, and keeps those of the first batches, as many as memory allows.

    Args:
        make: of the batch's index.
        batches: how many there are.
        most: bytes.
    """

    def __init__(self, make: Callable[[int], Graph], batches: int, most: int) -> None:
        self._make = make
        self._batches = batches
        self._most = most
        self._room: int | None = None
        self._graphs: dict[int, Graph] = {}

    def __call__(self, index: int) -> Graph:
        """The graph of a batch."""
        if index in self._graphs:
            return self._graphs[index]
        if self._room is None:
            self._room = 1 if self._batches == 1 else self._most // max(1, self._bytes())
        graph = self._make(index)
        if index < self._room:
            self._graphs[index] = graph
        return graph

    def _bytes(self) -> int:
        """What a graph keeps alive, the weights themselves included."""
        storages: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
            return tensor

        with saved_tensors_hooks(note, lambda tensor: tensor):
            self._make(0)
        return sum(storages.values())
