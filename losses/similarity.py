"""Losses of likeness: they compare directions or orders, not each number with its own target.

`cosine` compares the features of one sample. The correlations compare how answers and targets vary
over the samples of a batch, so they couple its rows and want batches of some size.
"""

import torch
from torch import Tensor

from .checks import check_number, paired
from .domains import Real, Weight
from .reduction import align, at_least_fp32

_TINY = torch.finfo(torch.float32).tiny  # keeps 0/0 at 0
_ROUNDING = 4  # a spread of so many rounding errors of the mean is no spread


def cosine(prediction: Real, target: Real) -> Tensor:
    r"""Cosine distance: turns each sample's vector towards its target and leaves its length free.

    $$\ell = 1 - \frac{\hat y \cdot y}{\lVert\hat y\rVert\,\lVert y\rVert}$$

    over features, the axis after the batch. For a vector of zeros, which has no direction, the
    loss is 1 and a length of 0 counts as 1, so the gradient is finite and points to the target.

    Estimates:
        The direction of the mean of the unit targets $y/\lVert y\rVert$, with any length.

    Gradient:
        The part of $-y/\lVert y\rVert$ at right angles to $\hat y$, divided by
        $\lVert\hat y\rVert$: it fades for long answers, and at the exact opposite of the target.

    Use:
        For embeddings, and for directions whose length means nothing.

    Avoid:
        When the length matters (`mse`), or with one feature, where it sees signs only.

    Relatives:
        mse: summed over the features of vectors scaled to length 1 it is twice this.
        pearson: with its mean taken off each vector, and over samples in place of features.

    Args:
        prediction: $\hat y$, `[batch, features, *spatial]`, finite, of any length.
        target: $y$, of the same shape.

    Returns:
        $\ell$ in [0, 2], `[batch, *spatial]`.

    Raises:
        ValueError: shapes that differ, or no axis of features.

    Example:
        >>> prediction = torch.tensor([[3.0, 0.0], [1.0, 1.0], [0.0, -2.0]])
        >>> cosine(prediction, torch.tensor([[1.0, 0.0]]).expand(3, 2))
        tensor([0.0000, 0.2929, 1.0000])

    References:
        Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, section 6.3.1.
    """
    prediction, target = paired(prediction, target)
    if prediction.ndim < 2:
        raise ValueError(
            f"cosine compares along the axis of features, [batch, features, *spatial]; got shape "
            f"{tuple(prediction.shape)}. To compare a whole batch use pearson"
        )
    return 1 - (_unit(prediction) * _unit(target)).sum(1)


def _unit(x: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / torch.where(length > 0, length, 1)


def pearson(prediction: Real, target: Real, weight: Weight | None = None) -> Tensor:
    r"""One minus Pearson's correlation: answers must rise and fall with the targets, at any scale.

    $$\ell = 1 - \frac{\sum_i w_i (\hat y_i - \bar{\hat y})(y_i - \bar y)}
      {\sqrt{\sum_i w_i (\hat y_i - \bar{\hat y})^2 \, \sum_i w_i (y_i - \bar y)^2}}$$

    over samples and pixels $i$, with weighted means, for each output; the loss is the mean over
    outputs. Where answers or targets are constant up to rounding, the loss is 1 and a spread of 0
    counts as 1, so the gradient is finite and still spreads the answers.

    Estimates:
        The conditional mean up to an offset and a positive factor.

    Gradient:
        $-(u - \rho\,\hat u)/(n\,\sigma_{\hat y})$ for the correlation $\rho$ and the standardised
        answers $\hat u$ and targets $u$ of $n$ samples: it neither shifts nor stretches them all.
        It fades as their spread grows, and for answers exactly opposite to the targets.

    Use:
        When what is judged is a correlation, and a calibration follows.

    Avoid:
        When the values themselves are used: offset and scale are left free, so add `mse` or use
        `concordance`. With small batches the batch's correlation is a noisy guess.

    Relatives:
        concordance: also asks for the right mean and spread.
        soft_spearman: the correlation of ranks.
        mse: of standardised answers and targets it is twice this.
        cosine: over features of one sample, without the means.

    Args:
        prediction: $\hat y$, `[batch]` or `[batch, outputs, *spatial]`, finite.
        target: $y$, of the same shape.
        weight: $w$, one per sample or element; 0 leaves out. An output left out altogether doesn't
            count in the mean over outputs.

    Returns:
        $\ell$ in [0, 2], one number, `[]`. Where all is left out it is 0 with zero gradient.

    Raises:
        ValueError: shapes that differ, or a weight that does not fit.

    Example:
        >>> prediction = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
        >>> pearson(prediction, torch.tensor([[10.0], [40.0], [20.0], [50.0]]))
        tensor(0.2929)

    References:
        Pearson 1895, Note on Regression and Inheritance in the Case of Two Parents.
    """
    answer, truth, shares = _by_output(prediction, target, weight)
    values = 1 - _correlation(*_centred(answer, shares), *_centred(truth, shares), shares)
    return _over_outputs(values, shares)


def concordance(prediction: Real, target: Real, weight: Weight | None = None) -> Tensor:
    r"""One minus Lin's concordance: correlation that also asks for the right mean and spread.

    $$\ell = 1 - \frac{2\,\sigma_{\hat y y}}{\sigma_{\hat y}^2 + \sigma_y^2
      + (\bar{\hat y} - \bar y)^2}
      = \frac{\mathbb{E}(\hat y - y)^2}
      {\sigma_{\hat y}^2 + \sigma_y^2 + (\bar{\hat y} - \bar y)^2}$$

    with weighted moments over samples and pixels, for each output; the loss is the mean over
    outputs. The second form, which is computed, keeps its digits near 0. Constant answers give 1,
    and 0 if they equal constant targets.

    Estimates:
        The conditional mean, stretched about its own mean until its spread is the targets': unlike
        with `mse`, answers don't shrink to the middle when the inputs say little.

    Gradient:
        $\frac{2}{nd}\left((\hat y_i - y_i) - \ell\,(\hat y_i - \bar y)\right)$ with the
        denominator $d$ and $n$ samples: finite for constant answers, and fading like one over
        their distance when they are far off.

    Use:
        When agreement is judged by this coefficient: ratings, affect, methods of measurement.

    Avoid:
        With small batches, whose moments are noisy, or when the mean itself is to be estimated.

    Relatives:
        pearson: with the means and spreads of answers and targets alike it is this.
        mse: this is it, divided by the spreads and the offset.

    Args:
        prediction: $\hat y$, `[batch]` or `[batch, outputs, *spatial]`, finite, in the target's
            unit.
        target: $y$, of the same shape.
        weight: $w$, one per sample or element; 0 leaves out. An output left out altogether doesn't
            count in the mean over outputs.

    Returns:
        $\ell$ in [0, 2], one number, `[]`. Where all is left out it is 0 with zero gradient.

    Raises:
        ValueError: shapes that differ, or a weight that does not fit.

    Example:
        >>> target = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
        >>> concordance(target + 1, target), pearson(target + 1, target)
        (tensor(0.2857), tensor(0.))

    References:
        Lin 1989, A Concordance Correlation Coefficient to Evaluate Reproducibility, Biometrics 45.
    """
    answer, truth, shares = _by_output(prediction, target, weight)
    # The deviations of both from the target's mean sum up to the denominator.
    middle = _mean(truth, shares)
    moment = _mean((answer - middle).square() + (truth - middle).square(), shares)
    error = _mean((answer - truth).square(), shares)
    return _over_outputs((error / moment.clamp(min=_TINY)).squeeze(-1), shares)


def soft_spearman(
    prediction: Real, target: Real, weight: Weight | None = None, *, temperature: float = 0.1
) -> Tensor:
    r"""One minus Spearman's correlation, of soft ranks: answers must come in the right order.

    $$\hat r_i = \sum_j w_j\, \sigma\!\left(\frac{\hat y_i - \hat y_j}{T\,s}\right)
      \qquad \ell = 1 - \operatorname{corr}_w(\hat r, r)$$

    where $\sigma$ is the logistic function, $s$ the standard deviation of the answers and $r$ the
    targets' ranks, ties at their mean, for each output; the loss is the mean over outputs. Each
    answer's rank is the soft count of the answers below it. As $T$ counts in spreads, the loss
    doesn't depend on offset or scale of the answers. It takes time and memory of samples squared.
    Constant answers or targets give 1, and constant answers a finite gradient, as in `pearson`.

    Estimates:
        An increasing function of the conditional mean rank of the target.

    Gradient:
        Pairs of answers within a few $T s$ of each other pull and the others hardly: a small
        temperature makes it sparse, and for $T \to 0$ it vanishes except at ties. It fades for an
        exactly opposite order.

    Use:
        When only the order counts: ranking candidates, or figures on an arbitrary scale.

    Avoid:
        When the values matter, or for thousands of samples at once.

    Relatives:
        pearson: of the targets' ranks it is this for $T \to \infty$.
        concordance: asks for the values and not for their order alone.

    Args:
        prediction: $\hat y$, `[batch]` or `[batch, outputs]`, finite.
        target: $y$, of the same shape.
        weight: $w$, one per sample or element; 0 leaves out. An output left out altogether doesn't
            count in the mean over outputs.
        temperature: $T > 0$ in standard deviations of the answers; 0.01 is close to Spearman's
            correlation and 1 close to a correlation with the targets' ranks.

    Returns:
        $\ell$ in [0, 2], one number, `[]`. Where all is left out it is 0 with zero gradient.

    Raises:
        ValueError: shapes that differ or have axes beyond outputs, a weight that does not fit, or
            a temperature that is not positive.

    Example:
        >>> prediction = torch.tensor([[1.0], [2.0], [9.0], [4.0]])
        >>> target = torch.tensor([[10.0], [40.0], [20.0], [50.0]])
        >>> soft_spearman(prediction, target), soft_spearman(prediction, target, temperature=1e-3)
        (tensor(0.6124), tensor(0.6000))

    References:
        Spearman 1904, The Proof and Measurement of Association between Two Things. Soft ranks: Qin,
        Liu & Li 2010, A General Approximation Framework for Direct Optimization of Information
        Retrieval Measures.
    """
    check_number("temperature", temperature, lambda t: t > 0, "positive")
    if prediction.ndim > 2:
        raise ValueError(
            f"soft_spearman ranks samples, [batch] or [batch, outputs]; got shape "
            f"{tuple(prediction.shape)}. For images use pearson, or average over pixels first"
        )
    answer, truth, shares = _by_output(prediction, target, weight)
    spread = _spread(*_centred(answer, shares), shares)
    # 2σ(x) − 1 = tanh(x/2), and the signs, sum to 0 over all pairs: these ranks are centred.
    answer_ranks = _ranks(torch.tanh(_differences(answer / (2 * temperature * spread))), shares)
    truth_ranks = _ranks(torch.sign(_differences(truth)), shares)
    one = torch.ones_like(spread)
    return _over_outputs(1 - _correlation(answer_ranks, one, truth_ranks, one, shares), shares)


def _differences(x: Tensor) -> Tensor:
    """Each sample less each other one, `[outputs, samples, samples]`."""
    return x.unsqueeze(-1) - x.unsqueeze(-2)


def _ranks(comparisons: Tensor, shares: Tensor | None) -> Tensor:
    return _mean(comparisons, None if shares is None else shares.unsqueeze(-2)).squeeze(-1)


# Moments over samples: tensors are `[outputs, samples]`, and so are their shares of the weight.


def _by_output(
    prediction: Tensor, target: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Answers, targets and weights by output; an output's weights sum to 1, or are all 0."""
    prediction, target = paired(prediction, target)
    if weight is None:
        return _outputs_first(prediction), _outputs_first(target), None
    weight = align(at_least_fp32(weight).to(prediction.dtype), prediction)
    shares = _outputs_first(weight.expand_as(prediction))
    shares = shares / shares.sum(-1, keepdim=True).clamp(min=_TINY)
    return _outputs_first(prediction), _outputs_first(target), shares


def _outputs_first(x: Tensor) -> Tensor:
    return x.unsqueeze(0) if x.ndim == 1 else x.movedim(1, 0).flatten(1)


def _mean(x: Tensor, shares: Tensor | None) -> Tensor:
    return x.mean(-1, keepdim=True) if shares is None else (shares * x).sum(-1, keepdim=True)


def _centred(x: Tensor, shares: Tensor | None) -> tuple[Tensor, Tensor]:
    """`x` without its mean, and the mean."""
    mean = _mean(x, shares)
    return x - mean, mean


def _spread(centred: Tensor, size: Tensor, shares: Tensor | None) -> Tensor:
    """The standard deviation, or 1 where it is only the rounding of numbers of this size."""
    variance = _mean(centred.square(), shares)
    rounding = (_ROUNDING * torch.finfo(size.dtype).eps * size).square()
    return torch.where(variance > rounding, variance, 1).sqrt()


def _correlation(
    a: Tensor, a_size: Tensor, b: Tensor, b_size: Tensor, shares: Tensor | None
) -> Tensor:
    """The correlation of two centred variables by output, `[outputs]`; 0 where one is constant."""
    covariance = _mean(a * b, shares)
    spreads = _spread(a, a_size, shares) * _spread(b, b_size, shares)
    return (covariance / spreads).squeeze(-1)


def _over_outputs(values: Tensor, shares: Tensor | None) -> Tensor:
    """The mean over the outputs that count."""
    if shares is None:
        return values.mean()
    counts = shares.sum(-1) > 0
    return torch.where(counts, values, 0).sum() / counts.sum().clamp(min=1)
