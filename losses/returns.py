r"""Returns and advantages: what an action was worth, from the rewards that followed.

Everything is `[batch, time]`: one row per environment, one column per step. After the step at $t$
stand the reward $r_t$, two flags and the value of the observation that the step led to, taken
*before* any reset. The flags say two different things:

* `terminated`: the task is over, and nothing follows. The value of what follows is 0.
* `truncated`: a time limit or the like cut the episode off, though the task goes on. What would
  have followed is estimated by the value of the last observation.

Neither lets rewards of the next episode in. The last column ends the window: it is treated as cut
off. These are numbers for losses to use, not losses: take them without gradient.
"""

import torch
from torch import Tensor

from .checks import check_number
from .reduction import aligned, at_least_fp32

_TINY = torch.finfo(torch.float32).tiny


def discounted_returns(
    reward: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    next_value: Tensor,
    *,
    gamma: float = 0.99,
) -> Tensor:
    r"""The discounted sum of the rewards up to the episode's end.

    $$R_t = r_t + \gamma \begin{cases} 0 & \text{terminated} \\ V(s_{t+1}) & \text{truncated, or the
      last column} \\ R_{t+1} & \text{otherwise} \end{cases}$$

    >>> reward, no = torch.ones(1, 3), torch.zeros(1, 3, dtype=torch.bool)
    >>> end, value = torch.tensor([[False, False, True]]), torch.full((1, 3), 10.0)
    >>> discounted_returns(reward, end, no, value, gamma=0.5)
    tensor([[1.7500, 1.5000, 1.0000]])
    >>> discounted_returns(reward, no, end, value, gamma=0.5)
    tensor([[3., 4., 6.]])

    Args:
        reward: $r$, `[batch, time]`.
        terminated: whether the task was over after the step, `[batch, time]`.
        truncated: whether the episode was cut off after the step, `[batch, time]`.
        next_value: $V(s_{t+1})$ of the observation that the step led to, `[batch, time]`; used
            where something was cut off, anything elsewhere.
        gamma: $\gamma$ in [0, 1], the discount of one step.

    Returns:
        $R$, `[batch, time]`.

    Raises:
        ValueError: shapes that differ, or a gamma outside its range.
    """
    check_number("gamma", gamma, lambda g: 0 <= g <= 1, "in [0, 1]")
    _check_shapes(reward=reward, terminated=terminated, truncated=truncated, next_value=next_value)
    reward, following, goes_on = _parts(reward, terminated, truncated, next_value)
    later = following[:, -1]
    backwards = []
    for t in reversed(range(reward.shape[1])):
        later = reward[:, t] + gamma * torch.where(goes_on[:, t], later, following[:, t])
        backwards.append(later)
    return torch.stack(backwards[::-1], 1)


def gae(
    reward: Tensor,
    value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    next_value: Tensor,
    *,
    gamma: float = 0.99,
    lambda_: float = 0.95,
) -> Tensor:
    r"""Generalised advantage estimation: less variance for a little bias, as `lambda_` falls.

    $$A_t = \delta_t + \gamma\lambda\,c_t\,A_{t+1}, \qquad
      \delta_t = r_t + \gamma\,(1 - d_t)\,V(s_{t+1}) - V(s_t)$$

    where $d_t$ is 1 if terminated, and $c_t$ is 0 if the episode ended, in either way, else 1.
    With $\lambda=1$ it is `discounted_returns` minus the value, with $\lambda=0$ the one-step
    error $\delta_t$. The target of the critic is $A_t + V(s_t)$.

    >>> reward, value = torch.ones(1, 3), torch.full((1, 3), 2.0)
    >>> no, end = torch.zeros(1, 3, dtype=torch.bool), torch.tensor([[False, True, False]])
    >>> gae(reward, value, end, no, value, gamma=0.5, lambda_=0.5)
    tensor([[-0.2500, -1.0000,  0.0000]])
    >>> gae(reward, value, no, end, value, gamma=0.5, lambda_=0.5)
    tensor([[0., 0., 0.]])

    Args:
        reward: $r$, `[batch, time]`.
        value: $V(s_t)$ of the observation before the step, `[batch, time]`.
        terminated: whether the task was over after the step, `[batch, time]`.
        truncated: whether the episode was cut off after the step, `[batch, time]`.
        next_value: $V(s_{t+1})$ of the observation that the step led to, before any reset,
            `[batch, time]`; where terminated, anything.
        gamma: $\gamma$ in [0, 1], the discount of one step.
        lambda_: $\lambda$ in [0, 1].

    Returns:
        $A$, `[batch, time]`.

    Raises:
        ValueError: shapes that differ, or an option outside its range.

    References:
        Schulman et al. 2016, High-Dimensional Continuous Control Using Generalized Advantage
        Estimation, eq. 16.
    """
    check_number("gamma", gamma, lambda g: 0 <= g <= 1, "in [0, 1]")
    check_number("lambda_", lambda_, lambda g: 0 <= g <= 1, "in [0, 1]")
    _check_shapes(
        reward=reward,
        value=value,
        terminated=terminated,
        truncated=truncated,
        next_value=next_value,
    )
    reward, following, goes_on = _parts(reward, terminated, truncated, next_value)
    delta = reward + gamma * following - at_least_fp32(value)
    later = torch.zeros_like(delta[:, 0])
    backwards = []
    for t in reversed(range(delta.shape[1])):
        later = delta[:, t] + gamma * lambda_ * torch.where(goes_on[:, t], later, 0)
        backwards.append(later)
    return torch.stack(backwards[::-1], 1)


def n_step_returns(
    reward: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    next_value: Tensor,
    *,
    steps: int,
    gamma: float = 0.99,
) -> Tensor:
    r"""The rewards of the next `steps` steps, and the value of what comes after them.

    $$R^{(n)}_t = \sum_{k=0}^{n-1} \gamma^k r_{t+k} + \gamma^n\,V(s_{t+n})$$

    or fewer steps where the episode or the window ends before, with a value of 0 if terminated.
    With $n=1$ it is the target of temporal-difference learning; with $n$ as long as the window it
    is `discounted_returns`.

    >>> reward, no = torch.ones(1, 3), torch.zeros(1, 3, dtype=torch.bool)
    >>> n_step_returns(reward, no, no, torch.full((1, 3), 4.0), steps=2, gamma=0.5)
    tensor([[2.5000, 2.5000, 3.0000]])

    Args:
        reward: $r$, `[batch, time]`.
        terminated: whether the task was over after the step, `[batch, time]`.
        truncated: whether the episode was cut off after the step, `[batch, time]`.
        next_value: $V(s_{t+1})$ of the observation that the step led to, before any reset,
            `[batch, time]`; where terminated, anything.
        steps: $n \ge 1$.
        gamma: $\gamma$ in [0, 1], the discount of one step.

    Returns:
        $R^{(n)}$, `[batch, time]`.

    Raises:
        ValueError: shapes that differ, or an option outside its range.
    """
    check_number("gamma", gamma, lambda g: 0 <= g <= 1, "in [0, 1]")
    check_number("steps", steps, lambda n: n >= 1 and n == int(n), "a whole number, at least 1")
    _check_shapes(reward=reward, terminated=terminated, truncated=truncated, next_value=next_value)
    reward, following, goes_on = _parts(reward, terminated, truncated, next_value)
    returns = reward + gamma * following
    for _ in range(min(steps, reward.shape[1]) - 1):
        later = torch.where(goes_on[:, :-1], returns[:, 1:], following[:, :-1])
        returns = torch.cat([reward[:, :-1] + gamma * later, returns[:, -1:]], 1)
    return returns


def standardise(x: Tensor, weight: Tensor | None = None, *, eps: float = 1e-8) -> Tensor:
    r"""`x` with mean 0 and standard deviation 1 over everything that counts.

    $$\hat x = \frac{x - m}{s + \epsilon}, \qquad m = \frac{\sum w x}{\sum w}, \qquad
      s^2 = \frac{\sum w (x - m)^2}{\sum w}$$

    >>> standardise(torch.tensor([[1.0, 3.0], [5.0, 9.0]]), torch.tensor([[1.0, 1.0], [1.0, 0.0]]))
    tensor([[-1.2247,  0.0000],
            [ 1.2247,  0.0000]])

    Args:
        x: e.g. advantages, of any shape.
        weight: non-negative, one per element or per row; where it is 0, `x` has no influence, may
            even be NaN, and the result is 0. None is 1 everywhere.
        eps: $\epsilon > 0$, keeps numbers that are all the same at 0.

    Returns:
        $\hat x$, shaped like `x`.

    Raises:
        ValueError: a weight that does not fit, or an eps that is not positive.
    """
    check_number("eps", eps, lambda e: e > 0, "positive")
    x = at_least_fp32(x)
    if weight is None:
        centred = x - x.mean()
        return centred / (centred.square().mean().sqrt() + eps)
    fitting = aligned(at_least_fp32(weight), x)
    if fitting is None:
        raise ValueError(
            f"a weight of shape {tuple(weight.shape)} does not fit {tuple(x.shape)}: "
            "expected one per element, or one per row"
        )
    share = fitting.expand_as(x) / fitting.expand_as(x).sum().clamp(min=_TINY)
    x = torch.where(share > 0, x, 0)
    centred = torch.where(share > 0, x - (share * x).sum(), 0)
    return centred / ((share * centred.square()).sum().sqrt() + eps)


def _parts(
    reward: Tensor, terminated: Tensor, truncated: Tensor, next_value: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Rewards, the value that follows each step (0 if terminated), where the episode goes on."""
    over = terminated.bool()
    following = torch.where(over, 0, at_least_fp32(next_value))
    return at_least_fp32(reward), following, ~(over | truncated.bool())


def _check_shapes(**tensors: Tensor) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if len(set(shapes.values())) > 1 or len(shapes["reward"]) != 2 or shapes["reward"][1] == 0:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"expected tensors of one shape [batch, time]; got {found}")
