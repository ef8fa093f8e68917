"""Evidential regression: an answer, its noise, and how much evidence there is for both."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_number
from .domains import Real
from .likelihood import log1p_square, matched

_HALF_LOG_PI, _LOG_2 = 0.5 * math.log(math.pi), math.log(2)


def evidential(
    prediction: Real,
    nu_logits: Real,
    alpha_logits: Real,
    beta_logits: Real,
    target: Real,
    *,
    coefficient: float = 0.01,
) -> Tensor:
    r"""Deep evidential regression: learns the answer's noise, and claims less evidence when wrong.

    $$\ell = \log\frac{\sqrt{\pi\,w}\;\Gamma(\alpha)}{\Gamma(\alpha + \tfrac12)}
      + \left(\alpha + \tfrac12\right) \log\left(1 + \frac{(y-\gamma)^2}{w}\right)
      + c\,|y - \gamma|\,(2\nu + \alpha), \qquad w = \frac{2\beta(1+\nu)}{\nu}$$

    for the prediction $\gamma$ and $\nu$, $\alpha - 1$, $\beta$, the softplus of the model's
    logits. The first two parts are the likelihood once a Gaussian's unknown mean and variance, with
    a normal-inverse-gamma prior, are integrated out; the last makes evidence costly where the
    answer is wrong. All of it is evaluated from the logits in log space.

    Estimates:
        The centre and scale of a Student's t with $2\alpha$ degrees of freedom. The noise is read
        off as the variance $\beta/(\alpha-1)$, and the doubt about the mean as that over $\nu$.
    Gradient:
        For $\gamma$, $(2\alpha+1)(\gamma-y)/(w + (\gamma-y)^2)$, which vanishes for outliers as
        that of `student_t_nll`, and $\pm c\,(2\nu+\alpha)$, which does not.
    Use:
        A first guess of what the model does not know, from one pass.
    Avoid:
        Where the two uncertainties must be told apart: the likelihood sees $\nu$ and $\beta$
        through $w$ alone, so their split is the last part's doing. An ensemble says more.
    Relatives:
        student_t_nll: with coefficient=0 it is this, for df=2α and log_scale=½ log(w/2α).
        gaussian_nll: learns the noise only.
        l1: the last part is this, times the evidence.

    Args:
        prediction: $\gamma$, `[batch, outputs, *spatial]`.
        nu_logits: $\nu$ before the softplus, of the same shape.
        alpha_logits: $\alpha - 1$ before the softplus, of the same shape.
        beta_logits: $\beta$ before the softplus, of the same shape; in the target's unit squared.
        target: $y$, of the same shape.
        coefficient: $c \ge 0$. The larger, the less evidence is claimed.

    Returns:
        $\ell$ in nats, shaped like the prediction.

    Raises:
        ValueError: shapes that differ, or a negative coefficient.

    Example:
        >>> answers = torch.zeros(4, 2, 1)  # prediction, nu, alpha and beta of two samples
        >>> evidential(*answers, torch.tensor([[0.0], [3.0]])).squeeze(1)
        tensor([0.9918, 3.9284])

    References:
        Amini et al. 2020, Deep Evidential Regression, section 3. What it can't tell apart: Meinert
        et al. 2023, The Unreasonable Effectiveness of Deep Evidential Regression.
    """
    check_number("coefficient", coefficient, lambda c: c >= 0, "at least 0")
    prediction, target, nu_logits, alpha_logits, beta_logits = matched(
        prediction,
        target,
        nu_logits=nu_logits,
        alpha_logits=alpha_logits,
        beta_logits=beta_logits,
    )
    nu = F.softplus(nu_logits, threshold=40.0)
    alpha = 1 + F.softplus(alpha_logits, threshold=40.0)
    log_width = _LOG_2 + _log_softplus(beta_logits) + torch.log1p(nu) - _log_softplus(nu_logits)
    residual = prediction - target
    likelihood = (
        _HALF_LOG_PI
        + 0.5 * log_width
        + torch.lgamma(alpha)
        - torch.lgamma(alpha + 0.5)
        + (alpha + 0.5) * log1p_square(residual, log_width)
    )
    return likelihood + coefficient * residual.abs() * (2 * nu + alpha)


def _log_softplus(x: Tensor) -> Tensor:
    """log(log(1 + e^x)), which is x where e^x is too small to be added to 1."""
    # Below −35 the two differ by less than e^−35, a rounding error of x.
    return torch.where(x < -35, x, F.softplus(x.clamp(min=-35), threshold=40.0).log())
