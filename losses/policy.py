"""Policy gradients: losses that make good actions likelier, from what was done and what it brought.

Advantages come with the batch, see `returns.py`; no gradient ever flows into them. Actions stand on
the second axis, as classes and channels do everywhere: `[batch, actions, *steps]`.
"""

import math

import torch
from torch import Tensor

from .domains import Labels, Real
from .reduction import at_least_fp32

_LOG_2PI = math.log(2 * math.pi)


def policy_gradient(logits: Real, action: Labels, advantage: Real) -> Tensor:
    r"""Policy gradient of a categorical policy: makes an action likelier by what it was better.

    $$\ell = -A \log \pi(a), \qquad \pi = \operatorname{softmax}(z)$$

    for the action $a$ that was taken and its advantage $A$. Its value says nothing of how good the
    policy is; only its gradient means something: on average it is that of the expected return.

    Estimates:
        The policy of the greatest expected return, where the actions are the policy's own. For
        fixed data with $A \ge 0$, the shares of the actions, weighted by $A$.
    Gradient:
        $A\,(\pi - e_a)$ for the one-hot action $e_a$, so no larger than $\sqrt2\,|A|$. With $A < 0$
        it does not fade as $\pi(a) \to 0$, and the value has no lower bound.
    Use:
        One update for each batch of fresh experience (REINFORCE, A2C), with a baseline in $A$.
    Avoid:
        Several updates on the same experience: that needs `ppo_clip`.
    Relatives:
        cross_entropy: with $A = 1$ it is this; imitation is a policy gradient that praises all.
        ppo_clip: at $\pi = \pi_{\text{old}}$ its gradient is this one.
        gaussian_policy_gradient: for continuous actions.
        entropy: the term beside it that keeps the policy exploring.

    Args:
        logits: $z$, `[batch, actions, *steps]`.
        action: $a$, integer indices `[batch, *steps]`.
        advantage: $A$, `[batch, *steps]`, in units of return.

    Returns:
        $\ell$, `[batch, *steps]`.

    Raises:
        ValueError: actions that are not indices, or shapes that don't fit.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0], [0.0, 2.0]])
        >>> policy_gradient(logits, torch.tensor([0, 1]), torch.tensor([2.0, -1.0]))
        tensor([ 1.3863, -0.1269])

    References:
        Williams 1992, Simple Statistical Gradient-Following Algorithms for Connectionist
        Reinforcement Learning. Sutton et al. 2000, Policy Gradient Methods for Reinforcement
        Learning with Function Approximation.
    """
    log_prob = categorical_log_prob(logits, action)
    return -given("advantage", advantage, log_prob) * log_prob


def gaussian_policy_gradient(mu: Real, log_sigma: Real, action: Real, advantage: Real) -> Tensor:
    r"""Policy gradient of a Gaussian policy: moves it towards continuous actions that paid.

    $$\ell = -A \sum_j \log \mathcal{N}(a_j; \mu_j, \sigma_j^2), \qquad
      \log\mathcal{N} = -\tfrac12\left(\frac{a_j - \mu_j}{\sigma_j}\right)^2 - \log\sigma_j
      - \tfrac12\log 2\pi$$

    for the action $a$ that was taken, its advantage $A$ and independent dimensions $j$.

    Estimates:
        The policy of the greatest expected return, where the actions are the policy's own. For
        fixed data with $A \ge 0$, mean and variance of the actions, weighted by $A$.
    Gradient:
        $-A\,(a_j-\mu_j)/\sigma_j^2$ with respect to $\mu_j$, and
        $A\,(1 - ((a_j-\mu_j)/\sigma_j)^2)$ with respect to $\log\sigma_j$: the narrower the
        policy, the steeper, without bound.
    Use:
        Continuous actions, one update for each batch of fresh experience.
    Avoid:
        Actions squashed or clipped into bounds, unless $a$ is the action before that; several
        updates on the same experience, see `gaussian_ppo_clip`.
    Relatives:
        gaussian_nll: with $A = 1$ it is this, summed over the dimensions.
        policy_gradient: for a choice among few actions.
        gaussian_ppo_clip: at $\pi = \pi_{\text{old}}$ its gradient is this one.
        gaussian_entropy: the term beside it that keeps $\sigma$ from shrinking too soon.

    Args:
        mu: $\mu$, `[batch, dimensions, *steps]`, in the action's unit.
        log_sigma: $\log\sigma$, of the same shape; expand it where all states share it.
        action: $a$, of the same shape.
        advantage: $A$, `[batch, *steps]`, in units of return.

    Returns:
        $\ell$, `[batch, *steps]`.

    Raises:
        ValueError: shapes that don't fit.

    Example:
        >>> mu, log_sigma = torch.zeros(1, 2), torch.zeros(1, 2)
        >>> gaussian_policy_gradient(mu, log_sigma, torch.tensor([[1.0, 0.0]]), torch.tensor([2.0]))
        tensor([4.6758])

    References:
        Williams 1992, Simple Statistical Gradient-Following Algorithms for Connectionist
        Reinforcement Learning, on Gaussian units.
    """
    log_prob = gaussian_log_prob(mu, log_sigma, action)
    return -given("advantage", advantage, log_prob) * log_prob


def gaussian_entropy(log_sigma: Real) -> Tensor:
    r"""Negative entropy of a Gaussian policy: minimised, it keeps the policy wide.

    $$\ell = -H = -\sum_j \left(\log\sigma_j + \tfrac12\log 2\pi e\right)$$

    over the dimensions $j$ of the action. A bonus on the entropy is this with a positive weight.

    Estimates:
        Nothing by itself: it has no minimum, and only moves the minimum of the other terms.
    Gradient:
        −1 for every $\log\sigma_j$, wherever it is.
    Use:
        Beside a policy gradient, with a weight of about 0.01 or less, against a policy that stops
        exploring.
    Avoid:
        Large weights: $\sigma$ then grows for ever.
    Relatives:
        entropy: the same for a categorical policy, where the bonus is bounded.
        gaussian_policy_gradient: the term it stands beside.

    Args:
        log_sigma: $\log\sigma$, `[batch, dimensions, *steps]`.

    Returns:
        $\ell$ in nats, `[batch, *steps]`.

    Raises:
        ValueError: no axis of dimensions.

    Example:
        >>> gaussian_entropy(torch.zeros(1, 2))
        tensor([-2.8379])

    References:
        Mnih et al. 2016, Asynchronous Methods for Deep Reinforcement Learning, section 4.
    """
    if log_sigma.ndim < 2:
        raise ValueError(
            f"expected log_sigma of shape [batch, dimensions, *steps]; got {tuple(log_sigma.shape)}"
        )
    return -(at_least_fp32(log_sigma) + 0.5 * (_LOG_2PI + 1)).sum(1)


def deterministic_policy_gradient(value: Real) -> Tensor:
    r"""Deterministic policy gradient: moves the action to where the critic expects more.

    $$\ell = -Q(s, \mu(s))$$

    for the critic $Q$ at the action $\mu(s)$ that the actor gives. The gradient reaches the actor
    through that action, so the model is to hold the critic's own parameters fixed here: a critic
    that may follow minimises this by promising more.

    Estimates:
        The action of the greatest $Q$.
    Gradient:
        −1 with respect to $Q$; for the actor $-\nabla_a Q\,\nabla\mu$, as good as the critic's
        slope is.
    Use:
        Continuous actions and a learnt critic of them (DDPG, TD3).
    Avoid:
        Without exploration or without a critic trained beside it: it follows the critic's errors.
    Relatives:
        gaussian_policy_gradient: the limit of its gradient as $\sigma \to 0$ is this one.

    Args:
        value: $Q(s, \mu(s))$, any shape `[batch, ...]`, in units of return.

    Returns:
        $\ell$, shaped like the value.

    Raises:
        ValueError: a value without a batch axis.

    Example:
        >>> deterministic_policy_gradient(torch.tensor([1.5, -0.5]))
        tensor([-1.5000,  0.5000])

    References:
        Silver et al. 2014, Deterministic Policy Gradient Algorithms, theorem 1. Lillicrap et al.
        2016, Continuous Control with Deep Reinforcement Learning.
    """
    if value.ndim == 0:
        raise ValueError("expected one value per sample, [batch, ...]; got a single number")
    return -at_least_fp32(value)


def categorical_log_prob(logits: Tensor, action: Tensor) -> Tensor:
    """Log-probability of actions under a categorical policy, e.g. to keep while playing.

    >>> categorical_log_prob(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor([-0.6931])

    Args:
        logits: `[batch, actions, *steps]`.
        action: integer indices `[batch, *steps]`.

    Raises:
        ValueError: actions that are not indices of that shape.
    """
    expected = logits.shape[:1] + logits.shape[2:]
    if logits.ndim < 2 or action.shape != expected or action.is_floating_point():
        raise ValueError(
            f"logits of shape {tuple(logits.shape)}, [batch, actions, *steps], need integer "
            f"actions [batch, *steps]; got {action.dtype} of shape {tuple(action.shape)}"
        )
    log_p = at_least_fp32(logits).log_softmax(1)
    return log_p.gather(1, action.long().unsqueeze(1)).squeeze(1)


def gaussian_log_prob(mu: Tensor, log_sigma: Tensor, action: Tensor) -> Tensor:
    """Log-density of actions under a Gaussian policy of independent dimensions.

    >>> gaussian_log_prob(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 2))
    tensor([-1.8379])

    Args:
        mu: `[batch, dimensions, *steps]`.
        log_sigma: of the same shape.
        action: of the same shape.

    Raises:
        ValueError: shapes that differ.
    """
    if mu.ndim < 2 or not mu.shape == log_sigma.shape == action.shape:
        raise ValueError(
            "expected mu, log_sigma and action of one shape [batch, dimensions, *steps]; got "
            f"{tuple(mu.shape)}, {tuple(log_sigma.shape)} and {tuple(action.shape)}"
        )
    mu, log_sigma = at_least_fp32(mu), at_least_fp32(log_sigma)
    z = (at_least_fp32(action) - mu) * torch.exp(-log_sigma)
    return -(0.5 * z.square() + log_sigma + 0.5 * _LOG_2PI).sum(1)


def given(name: str, tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor that comes with the batch, one number per action taken, and takes no gradient.

    Raises:
        ValueError: a shape that is not that of `like`, with which it would broadcast.
    """
    if tensor.shape != like.shape:
        raise ValueError(
            f"expected {name} of shape {tuple(like.shape)}, one for each action; "
            f"got {tuple(tensor.shape)}"
        )
    return at_least_fp32(tensor.detach())
