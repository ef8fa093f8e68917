r"""The Gauss–Newton matrix: the Hessian without the curvature of the model itself.

With outputs $z = f(\theta)$, a loss $\ell(z, \theta)$ (a regulariser depends on $\theta$ directly)
and the Jacobian $J = \partial z / \partial \theta$,

$$ G = \begin{pmatrix} J \\ I \end{pmatrix}^\top \nabla^2 \ell \begin{pmatrix} J \\ I \end{pmatrix},
\qquad H = G + \sum_o \frac{\partial \ell}{\partial z_o} \nabla^2 z_o . $$

For a loss that is convex in z, as cross-entropy and squared error are, G has no negative
eigenvalue, and near a good fit, where $\partial\ell/\partial z$ is small, it is close to H.

References:
    N. N. Schraudolph, Fast curvature matrix-vector products for second-order gradient descent.
    Neural Computation 14 (2002).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .hessian import Kept, derivatives
from .operator import GRAPH_BYTES
from .subject import TOTAL, Subject, flat, part, unflat


class _Graph(NamedTuple):
    """What a product passes through, in this order.

    Args:
        back: Jᵀu, linear in u, so that its derivative by u along v is J v; `[size]`.
        dual: u, one tensor for each output.
        outer: the parts of ∇ℓ by outputs and weights that depend on either.
        inner: the outputs and weights that ∇ℓ is derived by.
        chosen: which of those `outer` holds.
        outputs: z.
    """

    back: Tensor
    dual: list[Tensor]
    outer: list[Tensor]
    inner: list[Tensor]
    chosen: list[int]
    outputs: list[Tensor]


class GaussNewton:
    """G as an `Operator`.

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
        self._graphs = Kept(self._graph, len(subject.batches), graph_bytes)

    def products(self, vectors: Tensor) -> Tensor:
        """See `Operator.products`."""
        total = torch.zeros_like(vectors)
        for index, share in enumerate(self.subject.shares):
            graph = self._graphs(index)
            if graph.outer:
                for row, vector in zip(total, vectors, strict=True):
                    row.add_(self._product(graph, vector), alpha=share)
        return total

    def _product(self, graph: _Graph, vector: Tensor) -> Tensor:
        moved = derivatives(graph.back, graph.dual, vector)  # J v
        along = [*moved, *unflat(vector, self.subject.weights)]
        curved = derivatives(
            graph.outer, graph.inner, [along[i] for i in graph.chosen]
        )  # ∇²ℓ (Jv, v)
        outputs = len(graph.outputs)
        pulled = derivatives(graph.outputs, self._weights, list(curved[:outputs]))
        return flat(pulled) + flat(curved[outputs:])

    def _graph(self, index: int) -> _Graph:
        answers = self.subject.outputs(index)
        moving = {name: tensor for name, tensor in answers.items() if tensor.requires_grad}
        leaves = {name: t.detach().requires_grad_() for name, t in moving.items()}
        value = part(self.subject.objective(index, {**answers, **leaves}), self.term)
        inner = [*leaves.values(), *self._weights]
        slopes = derivatives(value, inner, create_graph=True) if value.requires_grad else ()
        chosen = [i for i, slope in enumerate(slopes) if slope.requires_grad]
        dual = [torch.zeros_like(t, requires_grad=True) for t in leaves.values()]
        outputs = list(moving.values())
        back = flat(derivatives(outputs, self._weights, dual, create_graph=True))
        return _Graph(back, dual, [slopes[i] for i in chosen], inner, chosen, outputs)
