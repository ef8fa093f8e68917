"""Penalties on the model's answer, whatever the target says."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_choice, check_number
from .domains import Logits, Real, Weight
from .reduction import align, at_least_fp32

Kind = Literal["anisotropic", "isotropic"]

_TINY = torch.finfo(torch.float32).tiny  # keeps 0/0 at 0


def confidence_penalty(logits: Logits, *, threshold: float | None = None) -> Tensor:
    r"""Negative entropy of the answer: minimised, it keeps the model from being too sure.

    $$\ell = -H(p) = \sum_c p_c \log p_c \qquad\text{or, with a threshold,}\qquad
      \ell = \max(0,\; \Gamma - H(p))$$

    where $p$ is the softmax of several channels, or $(1-\sigma(z), \sigma(z))$ of one. With a
    positive weight it rewards entropy: the entropy bonus of policy gradients is this, of a policy.

    Estimates:
        The uniform distribution, to which it pulls the answer of the other terms.
    Gradient:
        $p_c\,(\log p_c + H(p))$; it fades as the answer becomes certain, where the penalty is
        greatest, so it prevents certainty rather than cures it. Beyond the threshold it is 0.
    Use:
        Against overconfidence, with a weight of about 0.1; for a policy that stops exploring, with
        one of about 0.01 (`entropy`).
    Avoid:
        Where calibrated probabilities come first: measure them, for it makes a good model doubt.
    Relatives:
        entropy: the same function, as a term beside a policy gradient.
        gaussian_entropy: for continuous actions.
        cross_entropy: its `label_smoothing` is the relative that has the KL divergence the other
            way round, from the uniform to $p$.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        threshold: $\Gamma$ in nats; answers of a higher entropy cost nothing. None penalises all.

    Returns:
        $\ell$ in nats, shaped like the logits for one channel, else `[batch, *spatial]`.

    Raises:
        ValueError: logits without a channel axis, or a threshold that is not positive.

    Example:
        >>> confidence_penalty(torch.tensor([[0.0, 0.0], [0.0, 4.0]]))
        tensor([-0.6931, -0.0901])
        >>> confidence_penalty(torch.tensor([[0.0, 0.0], [0.0, 4.0]]), threshold=0.5)
        tensor([0.0000, 0.4099])

    References:
        Pereyra et al. 2017, Regularizing Neural Networks by Penalizing Confident Output
        Distributions. As a bonus: Mnih et al. 2016, Asynchronous Methods for Deep Reinforcement
        Learning, section 4.
    """
    if logits.ndim < 2:
        raise ValueError(
            f"expected logits [batch, channels, *spatial]; got shape {tuple(logits.shape)}"
        )
    z = at_least_fp32(logits)
    if z.shape[1] == 1:
        values = z.sigmoid() * F.logsigmoid(z) + (-z).sigmoid() * F.logsigmoid(-z)
    else:
        log_p = z.log_softmax(1)
        values = (log_p.exp() * log_p).sum(1)
    if threshold is None:
        return values
    check_number("threshold", threshold, lambda t: t > 0, "positive")
    return F.relu(threshold + values)


def total_variation(
    prediction: Real, weight: Weight | None = None, *, kind: Kind = "anisotropic"
) -> Tensor:
    r"""Total variation of an image: flattens noise, and lets edges stand.

    $$\ell = \frac{1}{n} \sum_i w_i \sum_a |d_{ia}| \qquad\text{or, isotropic,}\qquad
      \ell = \frac{1}{n} \sum_i w_i \sqrt{\sum_a d_{ia}^2}$$

    for the differences $d_{ia}$ of pixel $i$ to its next neighbour along each spatial axis $a$, 0
    at the border. It is divided by the pixels of all channels, $n = \sum_i w_i$, so a larger image
    does not count more. A difference counts where both pixels do. An image counts with the mean
    weight of its pixels that count; to this end its value is scaled so that the plain mean over the
    batch is right.

    Estimates:
        A constant image, to which it pulls the answer of the other terms in flat pieces.
    Gradient:
        The sign of each difference, whatever its size; isotropic, the difference over the local
        slope, and 0 where the image is flat.
    Use:
        Denoising, reconstruction, or masks without specks, with a small weight.
    Avoid:
        Textured images: texture goes first. The anisotropic form favours edges along the axes.
    Relatives:
        l1: the same of each pixel's distance from a target.
        l1_norm: the same of parameters.

    Args:
        prediction: an image, `[batch, channels, *spatial]`; connect another name with
            `names: {prediction: reconstruction}`.
        weight: $w$, one per pixel (with or without a channel axis) or per sample; 0 leaves out.
        kind: `anisotropic` sums the axes, `isotropic` takes the length of the slope.

    Returns:
        $\ell$ in the prediction's unit, `[batch]`.

    Raises:
        ValueError: an image without spatial axes, a weight that does not fit, or an unknown kind.

    Example:
        >>> image = torch.tensor([[[[0.0, 3.0], [4.0, 0.0]]]])
        >>> total_variation(image), total_variation(image, kind="isotropic")
        (tensor([3.5000]), tensor([3.]))

    References:
        Rudin, Osher & Fatemi 1992, Nonlinear Total Variation Based Noise Removal Algorithms.
    """
    check_choice("kind", kind, get_args(Kind))
    if prediction.ndim < 3:
        raise ValueError(
            "expected an image [batch, channels, *spatial] with at least one spatial axis; "
            f"got shape {tuple(prediction.shape)}"
        )
    x = at_least_fp32(prediction)
    if weight is None:
        return _slope(x, None, kind).flatten(1).mean(1)
    w = align(at_least_fp32(weight), x).expand_as(x)
    total = w.flatten(1).sum(1)
    values = (w * _slope(x, w != 0, kind)).flatten(1).sum(1) / total.clamp(min=_TINY)
    importance = total / (w != 0).flatten(1).sum(1).clamp(min=1)
    return values * (len(x) * importance / importance.sum().clamp(min=_TINY))


def _slope(x: Tensor, counts: Tensor | None, kind: Kind) -> Tensor:
    """How much each pixel differs from its next neighbours, shaped like `x`."""
    total: Tensor | None = None
    for axis in range(2, x.ndim):
        difference = x.diff(dim=axis, append=x.narrow(axis, -1, 1))
        if counts is not None:
            following = torch.cat(
                [counts.narrow(axis, 1, x.shape[axis] - 1), counts.narrow(axis, -1, 1)], axis
            )
            difference = torch.where(counts & following, difference, 0)
        part = difference.abs() if kind == "anisotropic" else difference.square()
        total = part if total is None else total + part
    assert total is not None
    if kind == "anisotropic":
        return total
    flat = total == 0  # the root has no derivative at 0
    return torch.where(flat, 0, torch.where(flat, 1, total).sqrt())
