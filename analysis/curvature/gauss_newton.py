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

from .hessian import OverBatches, derivatives
from .subject import flat, part, unflat


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


class GaussNewton(OverBatches[_Graph]):
    """G as an `Operator`; see `OverBatches`."""

    def _is_curved(self, graph: _Graph) -> bool:
        return bool(graph.outer)

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
