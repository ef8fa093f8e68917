"""Proximal policy optimisation: several updates from the same experience, none of them far."""

from typing import Literal, get_args

import torch
from torch import Tensor

from .checks import check_choice, check_number
from .domains import Labels, Real
from .policy import categorical_log_prob, gaussian_log_prob, given
from .reduction import at_least_fp32

Mode = Literal["max", "clipped", "none"]


def ppo_clip(
    logits: Real, action: Labels, old_log_prob: Real, advantage: Real, *, clip: float = 0.2
) -> Tensor:
    r"""PPO's clipped objective: a policy gradient that stops once the policy has moved enough.

    $$\ell = -\min\left(r A,\; \min(\max(r, 1-\epsilon), 1+\epsilon)\,A\right), \qquad
      r = \frac{\pi(a)}{\pi_{\text{old}}(a)}$$

    for $\pi = \operatorname{softmax}(z)$ and the policy $\pi_{\text{old}}$ that acted. The minimum
    keeps the worse of the two: clipping never hides that an action has become worse.

    Estimates:
        A policy of greater expected return, near the one that acted.
    Gradient:
        $r\,A\,(\pi - e_a)$ for the one-hot action $e_a$; zero where the step is taken already: for
        $A > 0$ at $r > 1+\epsilon$, for $A < 0$ at $r < 1-\epsilon$. Where $A < 0$ and $r$ is large
        it grows with $r$, which is at most $1/\pi_{\text{old}}(a)$.
    Use:
        Several epochs over one batch of experience, with standardised advantages.
    Avoid:
        Experience that is older than the last collection: the ratios are clipped from the start.
    Relatives:
        policy_gradient: at $\pi = \pi_{\text{old}}$ the gradient is that one; as
            $\epsilon \to \infty$ it is that one's importance-sampled form.
        gaussian_ppo_clip: for continuous actions.
        ppo_value: the critic's term beside it.
        entropy: the term that keeps the policy exploring.

    Args:
        logits: $z$, `[batch, actions, *steps]`.
        action: $a$, integer indices `[batch, *steps]`.
        old_log_prob: $\log\pi_{\text{old}}(a)$ in nats, `[batch, *steps]`, kept from playing; no
            gradient flows into it.
        advantage: $A$, `[batch, *steps]`; no gradient flows into it either.
        clip: $\epsilon > 0$, how far the ratio may move from 1.

    Returns:
        $\ell$, `[batch, *steps]`.

    Raises:
        ValueError: shapes that don't fit, or a clip that is not positive.

    Example:
        >>> logits = torch.tensor([[1.0, 0.0], [1.0, 0.0]])  # π = 0.7311 for action 0
        >>> old = torch.tensor([0.5, 0.5]).log()  # r = 1.4621
        >>> ppo_clip(logits, torch.tensor([0, 0]), old, torch.tensor([1.0, -1.0]))
        tensor([-1.2000,  1.4621])

    References:
        Schulman et al. 2017, Proximal Policy Optimization Algorithms, eq. 7.
    """
    return _clipped(categorical_log_prob(logits, action), old_log_prob, advantage, clip)


def gaussian_ppo_clip(
    mu: Real,
    log_sigma: Real,
    action: Real,
    old_log_prob: Real,
    advantage: Real,
    *,
    clip: float = 0.2,
) -> Tensor:
    r"""PPO's clipped objective for continuous actions: stops once the policy has moved enough.

    $$\ell = -\min\left(r A,\; \min(\max(r, 1-\epsilon), 1+\epsilon)\,A\right), \qquad
      r = \frac{\prod_j \mathcal{N}(a_j; \mu_j, \sigma_j^2)}{\pi_{\text{old}}(a)}$$

    for the action $a$ that was taken and the density $\pi_{\text{old}}(a)$ under which it was.

    Estimates:
        A policy of greater expected return, near the one that acted.
    Gradient:
        That of $-A\log\pi(a)$ times $r$; zero where the step is taken already: for $A > 0$ at
        $r > 1+\epsilon$, for $A < 0$ at $r < 1-\epsilon$.
    Use:
        Several epochs over one batch of experience, with standardised advantages.
    Avoid:
        Actions clipped into bounds: keep the action as it was drawn. Many dimensions: the ratio of
        densities is a product over them, so it leaves the interval early.
    Relatives:
        gaussian_policy_gradient: at $\pi = \pi_{\text{old}}$ the gradient is that one.
        ppo_clip: for a choice among few actions.
        ppo_value: the critic's term beside it.
        gaussian_entropy: the term that keeps the policy exploring.

    Args:
        mu: $\mu$, `[batch, dimensions, *steps]`, in the action's unit.
        log_sigma: $\log\sigma$, of the same shape; expand it where all states share it.
        action: $a$, of the same shape.
        old_log_prob: $\log\pi_{\text{old}}(a)$, `[batch, *steps]`, kept from playing; no gradient
            flows into it.
        advantage: $A$, `[batch, *steps]`; no gradient flows into it either.
        clip: $\epsilon > 0$, how far the ratio may move from 1.

    Returns:
        $\ell$, `[batch, *steps]`.

    Raises:
        ValueError: shapes that don't fit, or a clip that is not positive.

    Example:
        >>> zeros = torch.zeros(1, 1)
        >>> old = torch.tensor([-1.0])  # now −0.9189, so r = 1.0844
        >>> gaussian_ppo_clip(zeros, zeros, zeros, old, torch.tensor([2.0]))
        tensor([-2.1689])

    References:
        Schulman et al. 2017, Proximal Policy Optimization Algorithms, eq. 7.
    """
    return _clipped(gaussian_log_prob(mu, log_sigma, action), old_log_prob, advantage, clip)


def _clipped(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float) -> Tensor:
    check_number("clip", clip, lambda c: c > 0, "positive")
    advantage = given("advantage", advantage, log_prob)
    log_ratio = log_prob - given("old_log_prob", old_log_prob, log_prob)
    # Where A ≥ 0 the clipped side holds long before; the clamp keeps 0 · ∞ out of the gradient.
    ratio = torch.exp(torch.where(advantage < 0, log_ratio, log_ratio.clamp(max=80.0)))
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def ppo_value(
    value: Real, old_value: Real, returns: Real, *, clip: float = 0.2, mode: Mode = "max"
) -> Tensor:
    r"""PPO's value loss: squared error of the critic, held near what it said while playing.

    $$\ell = \tfrac12 \max\left((V - R)^2,\; (V_{\text{clip}} - R)^2\right), \qquad
      V_{\text{clip}} = V_{\text{old}} + \min(\max(V - V_{\text{old}}, -\epsilon), \epsilon)$$

    for `mode="max"`; `clipped` is the second square alone, and `none` the first.

    Estimates:
        The expected return $V = \mathbb{E}[R]$ with `mode="none"`; otherwise the nearest to it
        that a few steps of size $\epsilon$ reach.
    Gradient:
        $V - R$; zero where $V$ has moved by more than $\epsilon$ towards $R$ (with `clipped`, in
        either direction, so that a value that went astray is never called back).
    Use:
        Beside `ppo_clip`, over several epochs on the same experience.
    Avoid:
        Returns whose scale is unknown: $\epsilon$ is in their unit, so standardise them or take
        `mode="none"`.
    Relatives:
        mse: half of it is `mode="none"`, and the limit as $\epsilon \to \infty$.
        a2c_critic: the same without a memory of the old value.
        ppo_clip: the policy's term beside it.

    Args:
        value: $V$, any shape `[batch, ...]`, in units of return.
        old_value: $V_{\text{old}}$, of the same shape, kept from playing; it takes no gradient.
        returns: $R$, of the same shape; they take no gradient either.
        clip: $\epsilon > 0$ in units of return.
        mode: `max`, `clipped` or `none`.

    Returns:
        $\ell$ in units of return squared, shaped like the value.

    Raises:
        ValueError: shapes that differ, an unknown mode, or a clip that is not positive.

    Example:
        >>> value, old, returns = torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([1.0])
        >>> [round(ppo_value(value, old, returns, mode=m).item(), 2) for m in ("max", "none")]
        [0.32, 0.0]

    References:
        Schulman et al. 2017, Proximal Policy Optimization Algorithms, eq. 9, for its place in the
        objective. Engstrom et al. 2020, Implementation Matters in Deep Policy Gradients, for the
        clipping.
    """
    check_number("clip", clip, lambda c: c > 0, "positive")
    check_choice("mode", mode, get_args(Mode))
    if not value.shape == old_value.shape == returns.shape:
        raise ValueError(
            "expected value, old_value and returns of one shape; got "
            f"{tuple(value.shape)}, {tuple(old_value.shape)} and {tuple(returns.shape)}"
        )
    value = at_least_fp32(value)
    old, returns = at_least_fp32(old_value.detach()), at_least_fp32(returns.detach())
    plain = (value - returns).square()
    if mode == "none":
        return 0.5 * plain
    clipped = (old + (value - old).clamp(-clip, clip) - returns).square()
    return 0.5 * (clipped if mode == "clipped" else torch.maximum(plain, clipped))
