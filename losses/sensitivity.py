"""Penalties on how the model's answer changes with its input.

They ask for `model`: a function from the input to the outputs by name, which the step supplies as
it supplies `parameters`. Each calls it once more, so a step takes one forward pass longer, and one
or more backward passes; the others pay nothing. Samples must not see each other, as they do in
batch normalisation: the derivative of the whole batch is read as that of each sample, and what a
normalised batch shares is lost.
"""

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vjp

from .checks import check_choice, check_number
from .classification import bce, cross_entropy
from .domains import Real
from .reduction import at_least_fp32
from .regression import mse

Model = Callable[[Tensor], Mapping[str, Tensor]]
Of = Literal["cross_entropy", "bce", "mse"]


def jacobian_penalty(
    model: Model, input: Real, *, projections: int | None = None, output: str | None = None
) -> Tensor:
    r"""Half the squared norm of the Jacobian: a small change of the input changes little.

    $$\ell = \tfrac12 \lVert J \rVert_F^2 = \tfrac12 \sum_{c,i} \left(\frac{\partial z_c}{\partial
      x_i}\right)^2 \qquad\text{or}\qquad
      \ell \approx \frac{C}{2n} \sum_{k=1}^{n} \lVert v_k^\top J \rVert^2$$

    for the $C$ numbers $z$ of one sample's answer, and with `projections` for $n$ random unit
    vectors $v_k$, over which the mean is exact. Those are drawn from torch's generator, so a seeded
    run repeats them; under `vmap` they need `randomness="different"`.

    Estimates:
        A constant answer, to which it pulls that of the other terms.
    Gradient:
        Through the model's derivative to its parameters; the answer itself gets none. Where the
        answer is flat, as with all units of a ReLU network dead, it is zero, and so is the penalty.
    Use:
        Against small perturbations of the input; with a few outputs exact, which costs $C$ backward
        passes, otherwise with `projections=1`, which costs one.
    Avoid:
        Inputs with no common scale, whose derivatives can't be compared: standardise them.
    Relatives:
        gradient_penalty: for one output, with `norm=0` it is twice this.
        double_backprop: only along the direction in which the answer is wrong.
        l2_norm: of a linear model's weights it is this.

    Args:
        model: from the input to the outputs by name; the step supplies it.
        input: $x$, `[batch, ...]`.
        projections: $n \ge 1$; None is exact.
        output: the name of $z$ among the outputs; None is the only one.

    Returns:
        $\ell$, `[batch]`, in the answer's unit over the input's, squared.

    Raises:
        ValueError: an unknown output or none chosen among several, an answer that is not per
            sample, or projections that are not a whole number of at least 1.

    Example:
        >>> weight = torch.tensor([[1.0, 2.0], [0.0, 2.0]])
        >>> jacobian_penalty(lambda x: {"logits": x @ weight.T}, torch.ones(1, 2))
        tensor([4.5000])

    References:
        Hoffman, Roberts & Yaida 2019, Robust Learning with Jacobian Regularization. Sokolić et al.
        2017, Robust Large Margin Deep Neural Networks.
    """
    if projections is not None:
        whole = isinstance(projections, int)
        check_number("projections", projections, lambda n: whole and n >= 1, "an integer ≥ 1")
    answer, pullback = _pullback(model, input, output)
    size = answer[0].numel()
    flat = (len(answer), size)
    if projections is None:
        each = torch.eye(size, dtype=answer.dtype, device=answer.device).unbind()
        directions, factor = [e.expand(flat) for e in each], 0.5
    else:
        drawn = torch.randn(projections, *flat, dtype=answer.dtype, device=answer.device)
        directions, factor = list(F.normalize(drawn, dim=-1)), 0.5 * size / projections
    total: Tensor | None = None
    for direction in directions:
        square = _per_sample(pullback(direction.reshape(answer.shape))).square().sum(1)
        total = square if total is None else total + square
    assert total is not None
    return factor * total


def gradient_penalty(
    model: Model, input: Real, *, norm: float = 1.0, output: str | None = None
) -> Tensor:
    r"""Gradient penalty: holds the slope of a critic at a given steepness.

    $$\ell = \left(\lVert \nabla_x z \rVert - k\right)^2$$

    for the one number $z$ that the model answers for each sample $x$. With $k=1$ it makes the
    critic of a Wasserstein GAN 1-Lipschitz, with $k=0$ it flattens a discriminator.

    Estimates:
        An answer that rises by $k$ per unit of the input, wherever it is evaluated.
    Gradient:
        Through $2\,(\lVert\nabla_x z\rVert - k)\,\nabla_x z / \lVert\nabla_x z\rVert$ to the
        parameters; the answer itself gets none. Where the slope is exactly 0 it is 0, though the
        penalty is $k^2$: there is no direction in which to rise.
    Use:
        Adversarial training: at points between real and generated samples with $k=1$ and a weight
        of 10, at real samples with $k=0$.
    Avoid:
        Batch normalisation in the critic, and models of several outputs (`jacobian_penalty`).
    Relatives:
        jacobian_penalty: half of this with $k=0$, for any number of outputs.
        double_backprop: the slope of the loss, not of the answer.
        hinge_gan: a loss of the discriminator that it stands beside.

    Args:
        model: from the input to the outputs by name; the step supplies it.
        input: $x$, `[batch, ...]`, the points where the slope is measured.
        norm: $k \ge 0$ in the answer's unit over the input's.
        output: the name of $z$ among the outputs; None is the only one.

    Returns:
        $\ell$, `[batch]`.

    Raises:
        ValueError: an unknown output or none chosen among several, an answer of more than one
            number per sample, or a negative norm.

    Example:
        >>> weight = torch.tensor([[3.0, 4.0]])
        >>> gradient_penalty(lambda x: {"logits": x @ weight.T}, torch.ones(1, 2))
        tensor([16.])

    References:
        Gulrajani et al. 2017, Improved Training of Wasserstein GANs, eq. 3. For $k=0$: Mescheder et
        al. 2018, Which Training Methods for GANs Do Actually Converge?
    """
    check_number("norm", norm, lambda k: k >= 0, "at least 0")
    answer, pullback = _pullback(model, input, output)
    if answer[0].numel() != 1:
        raise ValueError(
            f"gradient_penalty needs an answer of one number per sample; got shape "
            f"{tuple(answer.shape)}. For several use jacobian_penalty"
        )
    square = _per_sample(pullback(torch.ones_like(answer))).square().sum(1)
    flat = square == 0  # the root has no derivative at 0
    slope = torch.where(flat, 0, torch.where(flat, 1, square).sqrt())
    return (slope - norm).square()


def double_backprop(
    model: Model,
    input: Real,
    target: Real,
    *,
    of: Of = "cross_entropy",
    output: str | None = None,
) -> Tensor:
    r"""Double backpropagation: a small change of the input changes the loss little.

    $$\ell = \tfrac12 \lVert \nabla_x L \rVert^2$$

    for the loss $L$ of one sample, summed over its elements: how far an attacker can raise it with
    one small step.

    Estimates:
        A flat loss around the data, to which it pulls the answer of the other terms.
    Gradient:
        Through $\nabla_x L$ to the parameters. A sample answered with certainty has $L \approx 0$
        and so no slope: it is the uncertain and the wrong that pull.
    Use:
        Robustness to small perturbations, at the cost of one backward pass, whatever the number of
        outputs.
    Avoid:
        As a proof of robustness: the loss can be flat at the data and steep beside it.
    Relatives:
        jacobian_penalty: every direction of the answer, not only that of its error.
        cross_entropy: the loss whose slope it is, by default.

    Args:
        model: from the input to the outputs by name; the step supplies it.
        input: $x$, `[batch, ...]`.
        target: class indices for `cross_entropy`; else shaped like the answer.
        of: $L$: `cross_entropy`, `bce` (both of logits) or `mse`.
        output: the name of the answer among the outputs; None is the only one.

    Returns:
        $\ell$, `[batch]`.

    Raises:
        ValueError: an unknown output or none chosen among several, an unknown loss, or a target
            that does not fit.

    Example:
        >>> weight = torch.tensor([[2.0, 0.0]])
        >>> model = lambda x: {"prediction": x @ weight.T}
        >>> double_backprop(model, torch.ones(1, 2), torch.tensor([[3.0]]), of="mse")
        tensor([8.])

    References:
        Drucker & Le Cun 1992, Improving Generalization Performance Using Double Backpropagation.
    """
    check_choice("of", of, get_args(Of))
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]]
    losses = {"cross_entropy": cross_entropy, "bce": bce, "mse": mse}

    def loss(x: Tensor) -> Tensor:
        return losses[of](_chosen(model(x), output, len(x)), target).sum()

    value, pullback = vjp(loss, at_least_fp32(input))  # type: ignore[misc]  # a pair without aux
    return 0.5 * _per_sample(pullback(torch.ones_like(value))).square().sum(1)


Pullback = Callable[[Tensor], tuple[Tensor]]


def _pullback(model: Model, input: Tensor, output: str | None) -> tuple[Tensor, Pullback]:
    """The model's answer, and the map from its gradient to that of the input."""

    def answer(x: Tensor) -> Tensor:
        return at_least_fp32(_chosen(model(x), output, len(x)))

    value, pullback = vjp(answer, at_least_fp32(input))  # type: ignore[misc]  # a pair without aux
    return value, pullback


def _per_sample(gradient: tuple[Tensor]) -> Tensor:
    return at_least_fp32(gradient[0]).flatten(1)


def _chosen(outputs: Mapping[str, Tensor], name: str | None, batch: int) -> Tensor:
    found = ", ".join(outputs)
    if name is None and len(outputs) != 1:
        raise ValueError(f"the model has several outputs: set output to one of {found}")
    if name is not None and name not in outputs:
        raise ValueError(f"the model has no output called {name}: it has {found}")
    answer = next(iter(outputs.values())) if name is None else outputs[name]
    if answer.ndim == 0 or len(answer) != batch:
        raise ValueError(
            f"expected one answer per sample, [{batch}, ...]; got shape {tuple(answer.shape)}"
        )
    return answer
