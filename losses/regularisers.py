"""Losses on the model's parameters."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from .checks import check_number
from .patterns import Factors, Patterns, chosen
from .proximal import soft_threshold, with_prox
from .reduction import at_least_fp32


def _prox_elastic(
    parameters: Mapping[str, Tensor],
    step: float,
    *,
    l1_ratio: float = 0.5,
    include: Patterns = ("*",),
    exclude: Patterns = ("*bias",),
    module_weight: Factors | None = None,
) -> dict[str, Tensor]:
    """Soft threshold of the absolute part, then the shrinking of the square.

    Parikh & Boyd 2014, Proximal Algorithms, section 6.5.3.
    """
    return {
        name: soft_threshold(w, step * factor * l1_ratio) / (1 + step * factor * (1 - l1_ratio))
        for name, (w, factor) in chosen(parameters, include, exclude, module_weight).items()
    }


@with_prox(partial(_prox_elastic, l1_ratio=1.0))
def l1_norm(
    parameters: Mapping[str, Tensor],
    *,
    include: Patterns = ("*",),
    exclude: Patterns = ("*bias",),
    module_weight: Factors | None = None,
) -> Tensor:
    r"""Sum of the absolute parameters: drives those that help little to zero.

    $$\ell = \sum_i |w_i|$$

    Estimates:
        With a likelihood, the most probable parameters under a Laplace prior.
    Gradient:
        The sign of each parameter, whatever its size.
    Use:
        Where few parameters are believed to matter, as in the lasso.
    Avoid:
        To get exact zeros by plain gradient steps: they only bring a parameter close. Proximal
        steps do it, `optimizer=ista` or `fista`.
    Relatives:
        l2_norm: spares small parameters and presses large ones.
        elastic_net: with `l1_ratio=1` it is this.
        l1: the same of a residual.

    Args:
        parameters: $w$, the model's parameters by name.
        include: patterns of the names that count, in which `*` stands for any characters.
        exclude: patterns of the names that don't.
        module_weight: factors by pattern, such as `{"encoder*": 0.5}`; the first pattern that fits
            a name applies, and where none does it is 1.

    Returns:
        $\ell$, `[]`.

    Raises:
        ValueError: no parameter is left, or a pattern of `module_weight` fits none.

    Example:
        >>> parameters = {"a.weight": torch.tensor([[3.0, -4.0]]), "a.bias": torch.ones(1)}
        >>> l1_norm(parameters)
        tensor(7.)
        >>> l1_norm(parameters, exclude=(), module_weight={"*bias": 0.5})
        tensor(7.5000)

    References:
        Tibshirani 1996, Regression Shrinkage and Selection via the Lasso.
    """
    return _total(_absolute, parameters, include, exclude, module_weight)


def l2_norm(
    parameters: Mapping[str, Tensor],
    *,
    include: Patterns = ("*",),
    exclude: Patterns = ("*bias",),
    module_weight: Factors | None = None,
) -> Tensor:
    r"""Half the sum of the squared parameters: keeps them small, large ones first.

    $$\ell = \tfrac12 \sum_i w_i^2$$

    The ½ makes it the regulariser of ridge regression and of the support vector machine.

    Estimates:
        With a likelihood, the most probable parameters under a Gaussian prior.
    Gradient:
        $w$, so it fades as a parameter does.
    Use:
        Against large weights wherever there are few data. With plain SGD it is the same as weight
        decay.
    Avoid:
        With Adam as a stand-in for weight decay: its gradient is rescaled there like any other,
        AdamW's decay is not.
    Relatives:
        l1_norm: presses every parameter alike, small ones to zero.
        elastic_net: with `l1_ratio=0` it is this.
        mse: the same of a residual, without the ½.

    Args:
        parameters: $w$, the model's parameters by name.
        include: patterns of the names that count, in which `*` stands for any characters.
        exclude: patterns of the names that don't.
        module_weight: factors by pattern, such as `{"encoder*": 0.5}`; the first pattern that fits
            a name applies, and where none does it is 1.

    Returns:
        $\ell$, `[]`.

    Raises:
        ValueError: no parameter is left, or a pattern of `module_weight` fits none.

    Example:
        >>> l2_norm({"layer.weight": torch.tensor([[3.0, -4.0]]), "layer.bias": torch.ones(1)})
        tensor(12.5000)

    References:
        Hoerl & Kennard 1970, Ridge Regression. Loshchilov & Hutter 2019, Decoupled Weight Decay
        Regularization, proposition 2.
    """
    return _total(_half_square, parameters, include, exclude, module_weight)


@with_prox(_prox_elastic)
def elastic_net(
    parameters: Mapping[str, Tensor],
    *,
    l1_ratio: float = 0.5,
    include: Patterns = ("*",),
    exclude: Patterns = ("*bias",),
    module_weight: Factors | None = None,
) -> Tensor:
    r"""Elastic net: sparse like the lasso, and shares the weight among what belongs together.

    $$\ell = \rho \sum_i |w_i| + \frac{1 - \rho}{2} \sum_i w_i^2$$

    The term's weight is scikit-learn's `alpha`, and $\rho$ its `l1_ratio`.

    Estimates:
        With a likelihood, the most probable parameters under a prior between Laplace and Gaussian.
    Gradient:
        $\rho \operatorname{sign}(w) + (1-\rho)\,w$: never zero but at $w = 0$.
    Use:
        Where few inputs matter and some of them are correlated: the lasso alone picks one of those.
    Avoid:
        To get exact zeros by plain gradient steps: take proximal ones, as with `l1_norm`.
    Relatives:
        l1_norm: this with `l1_ratio=1`.
        l2_norm: this with `l1_ratio=0`.

    Args:
        parameters: $w$, the model's parameters by name.
        l1_ratio: $\rho$ in [0, 1].
        include: patterns of the names that count, in which `*` stands for any characters.
        exclude: patterns of the names that don't.
        module_weight: factors by pattern, such as `{"encoder*": 0.5}`; the first pattern that fits
            a name applies, and where none does it is 1.

    Returns:
        $\ell$, `[]`.

    Raises:
        ValueError: no parameter is left, a pattern of `module_weight` fits none, or a ratio outside
            its range.

    Example:
        >>> elastic_net({"layer.weight": torch.tensor([[3.0, -4.0]])}, l1_ratio=0.2)
        tensor(11.4000)

    References:
        Zou & Hastie 2005, Regularization and Variable Selection via the Elastic Net.
    """
    check_number("l1_ratio", l1_ratio, lambda r: 0 <= r <= 1, "in [0, 1]")

    def both(w: Tensor) -> Tensor:
        return l1_ratio * _absolute(w) + (1 - l1_ratio) * _half_square(w)

    return _total(both, parameters, include, exclude, module_weight)


def orthogonality(
    parameters: Mapping[str, Tensor],
    *,
    include: Patterns = ("*",),
    exclude: Patterns = ("*bias",),
    module_weight: Factors | None = None,
) -> Tensor:
    r"""Soft orthogonality: keeps a layer from stretching some directions and losing others.

    $$\ell = \sum_W \min\left(\lVert W^\top W - I\rVert^2,\; \lVert W W^\top - I\rVert^2\right)$$

    over matrices $W$ and in the Frobenius norm; a kernel `[out, in, *spatial]` is read as a matrix
    `[out, rest]`. The two norms differ by a constant, the difference of $W$'s sides, so their
    gradients are the same; the smaller one can reach 0. Parameters of fewer than two axes are left
    out.

    Estimates:
        Matrices all of whose singular values are 1.
    Gradient:
        $4\,W (W^\top W - I)$: cubic in a large singular value, and zero along one that is 0.
    Use:
        Deep networks whose signal or gradient fades or explodes.
    Avoid:
        A last layer whose scale is to be learnt (exclude it), and weights that start far above 1.
    Relatives:
        l2_norm: pulls the singular values to 0 instead of 1.

    Args:
        parameters: $W$, the model's parameters by name.
        include: patterns of the names that count, in which `*` stands for any characters.
        exclude: patterns of the names that don't.
        module_weight: factors by pattern, such as `{"encoder*": 0.5}`; the first pattern that fits
            a name applies, and where none does it is 1.

    Returns:
        $\ell$, `[]`.

    Raises:
        ValueError: no matrix is left, or a pattern of `module_weight` fits none.

    Example:
        >>> orthogonality({"weight": torch.tensor([[0.0, 1.0], [-1.0, 0.0]])})
        tensor(0.)
        >>> orthogonality({"weight": torch.tensor([[2.0, 0.0]])})
        tensor(9.)

    References:
        Brock et al. 2017, Neural Photo Editing with Introspective Adversarial Networks, there in
        the L1 norm. Bansal et al. 2018, Can We Gain More from Orthogonality Regularizations in
        Training Deep CNNs?, section 3.1.
    """
    matrices = {name: w for name, w in parameters.items() if w.ndim > 1}
    return _total(_gram_distance, matrices, include, exclude, module_weight)


def _absolute(w: Tensor) -> Tensor:
    return w.abs().sum()


def _half_square(w: Tensor) -> Tensor:
    return 0.5 * w.square().sum()


def _gram_distance(w: Tensor) -> Tensor:
    matrix = w.flatten(1)
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    gram = matrix @ matrix.T
    return (gram - torch.eye(len(gram), dtype=gram.dtype, device=gram.device)).square().sum()


def _total(
    norm: Callable[[Tensor], Tensor],
    parameters: Mapping[str, Tensor],
    include: Patterns,
    exclude: Patterns,
    module_weight: Factors | None,
) -> Tensor:
    parts = [
        norm(at_least_fp32(w)) if factor == 1 else factor * norm(at_least_fp32(w))
        for w, factor in chosen(parameters, include, exclude, module_weight).values()
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
