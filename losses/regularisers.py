"""Losses on the model's parameters."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from .reduction import at_least_fp32

Patterns = str | Sequence[str]


def l1_norm(
    parameters: Mapping[str, Tensor],
    *,
    include: Patterns = ("*",),
    exclude: Patterns = ("*bias",),
) -> Tensor:
    r"""Sum of the absolute parameters: drives those that help little to zero.

    $$\ell = \sum_i |w_i|$$

    Its gradient is the sign of each parameter, whatever its size. Plain gradient steps bring a
    parameter close to zero; exact zeros need proximal steps.

    Args:
        parameters: the model's parameters by name.
        include: patterns of the names that count, in which `*` stands for any characters.
        exclude: patterns of the names that don't.

    Returns:
        $\ell$, `[]`.

    Raises:
        ValueError: no parameter is left.

    Example:
        >>> import torch
        >>> l1_norm({"layer.weight": torch.tensor([[3.0, -4.0]]), "layer.bias": torch.ones(1)})
        tensor(7.)

    References:
        Tibshirani 1996, Regression Shrinkage and Selection via the Lasso.
    """
    return _total([at_least_fp32(w).abs().sum() for w in _chosen(parameters, include, exclude)])


def l2_norm(
    parameters: Mapping[str, Tensor],
    *,
    include: Patterns = ("*",),
    exclude: Patterns = ("*bias",),
) -> Tensor:
    r"""Half the sum of the squared parameters: keeps them small, large ones first.

    $$\ell = \tfrac12 \sum_i w_i^2$$

    Its gradient is $w$. With plain SGD it is the same as weight decay; with Adam it is not, since
    its gradient is rescaled like any other (AdamW's decay is not). The ½ makes it the regulariser
    of ridge regression and of the support vector machine.

    Args:
        parameters: the model's parameters by name.
        include: patterns of the names that count, in which `*` stands for any characters.
        exclude: patterns of the names that don't.

    Returns:
        $\ell$, `[]`.

    Raises:
        ValueError: no parameter is left.

    Example:
        >>> import torch
        >>> l2_norm({"layer.weight": torch.tensor([[3.0, -4.0]]), "layer.bias": torch.ones(1)})
        tensor(12.5000)

    References:
        Hoerl & Kennard 1970, Ridge Regression. Loshchilov & Hutter 2019, Decoupled Weight Decay
        Regularization, proposition 2.
    """
    chosen = _chosen(parameters, include, exclude)
    return 0.5 * _total([at_least_fp32(w).square().sum() for w in chosen])


def _total(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _chosen(parameters: Mapping[str, Tensor], include: Patterns, exclude: Patterns) -> list[Tensor]:
    included = (include,) if isinstance(include, str) else include
    excluded = (exclude,) if isinstance(exclude, str) else exclude
    chosen = [
        parameter
        for name, parameter in parameters.items()
        if any(matches(name, pattern) for pattern in included)
        and not any(matches(name, pattern) for pattern in excluded)
    ]
    if not chosen:
        raise ValueError(
            f"no parameter matches include={list(included)} exclude={list(excluded)}: "
            f"the model has {', '.join(parameters) or 'none'}"
        )
    return chosen


def matches(name: str, pattern: str) -> bool:
    """`fnmatch` with the wildcard `*` alone, since torch.compile can't trace the standard one."""
    first, *others = pattern.split("*")
    if not others:
        return name == pattern
    *middle, last = others
    end = len(name) - len(last)
    if len(first) > end or not (name.startswith(first) and name.endswith(last)):
        return False
    position = len(first)
    for piece in middle:
        position = name.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True
