"""Games of a generator and a discriminator as one loss, which one optimizer minimises.

A generator $G$ wants its samples taken for data by a discriminator $D$ that learns to tell them
apart. The model gives the losses of this file the scores of three passes through $D$:

    def forward(self, input):
        generated = self.generator(noise)
        return adversarial_scores(self.discriminator, input, generated)

`real_logits` are the scores of the data and `fake_logits` those of the generated samples as
constants, so both reach the discriminator only. `reversed_logits` are those of the generated
samples behind `gradient_reversal`. With $L_D$ for the discriminator's loss and $L_G$ for the
generator's, each loss is

    L_D(real_logits, fake_logits) + L_G(fake_logits) − L_G(reversed_logits)

whose last two terms are equal in value, and so are their gradients in $D$: they cancel there, and
the discriminator gets the gradient of $L_D$. In $G$ only the last has one; the reversal turns its
sign, and the generator gets the gradient of $L_G$. A reversal alone could not do this: it hands the
generator the gradient of $-L_D$, which vanishes just where the generator is worst.

$D$ must score a sample twice alike: no dropout in it, or the gradients cancel on average only.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from .checks import check_number
from .domains import Logits
from .reduction import at_least_fp32


def gradient_reversal(x: Tensor, scale: float | Tensor = 1.0) -> Tensor:
    r"""`x` itself, whose gradient arrives with the sign turned: what is minimised behind it rises.

    $$R(x) = x, \qquad \frac{\partial R}{\partial x} = -s$$

    What lies before it is trained against what lies after it, by one loss and one optimizer. In
    front of a classifier of domains, with `bce` or `cross_entropy` on its scores, it makes features
    that do not tell the domain; in front of a discriminator it is the saturating game of two
    networks. For games that do not saturate see `non_saturating`.

    Args:
        x: any tensor of finite numbers.
        scale: $s \ge 0$; how strongly, in comparison, what lies before it is trained.

    Raises:
        ValueError: a negative scale.

    >>> import torch
    >>> x = torch.tensor([1.0, -2.0], requires_grad=True)
    >>> gradient_reversal(x, 0.5).square().sum().backward()
    >>> x.grad
    tensor([-1.,  2.])

    Ganin & Lempitsky 2015, Unsupervised Domain Adaptation by Backpropagation.
    """
    check_number("scale", scale, lambda s: s >= 0, "at least 0")
    return x - (1 + scale) * (x - x.detach())  # the difference is 0, but not its gradient


def adversarial_scores(
    discriminator: Callable[[Tensor], Tensor],
    real: Tensor,
    generated: Tensor,
    *,
    scale: float | Tensor = 1.0,
) -> dict[str, Tensor]:
    """The three scores that the losses of this file ask for, by name; a model returns them.

    Args:
        discriminator: from samples to scores, one or more per sample; large means real.
        real: samples of the data.
        generated: as many samples of the generator.
        scale: the size of the generator's gradient, in comparison with the discriminator's.

    >>> import torch
    >>> scores = adversarial_scores(lambda x: x.sum(1), torch.ones(2, 3), torch.zeros(2, 3))
    >>> {name: score.tolist() for name, score in scores.items()}
    {'real_logits': [3.0, 3.0], 'fake_logits': [0.0, 0.0], 'reversed_logits': [0.0, 0.0]}
    """
    return {
        "real_logits": discriminator(real),
        "fake_logits": discriminator(generated.detach()),
        "reversed_logits": discriminator(gradient_reversal(generated, scale)),
    }


def non_saturating(real_logits: Logits, fake_logits: Logits, reversed_logits: Logits) -> Tensor:
    r"""Non-saturating adversarial loss: the logistic game, with a generator that always learns.

    $$\ell = \underbrace{-\log\sigma(r) - \log(1 - \sigma(f))}_{L_D} + L_G(f) - L_G(g), \qquad
      L_G(z) = -\log\sigma(z)$$

    for the scores $r$ of data, $f$ of generated samples, and $g = f$ of the same samples behind
    `gradient_reversal`. The value is $L_D$, the discriminator's loss: there the last two terms
    cancel, and the reversal turns the sign of the last, so that the generator gets the gradient of
    $L_G$. A model gives the names by `adversarial_scores(discriminator, input, generated)`.

    Estimates:
        For a fixed generator the log-odds that a sample is real, so $\sigma$ is a probability; at
        equilibrium 0 everywhere, a value of $2\log 2$, and samples distributed as the data.
    Gradient:
        For the discriminator $-\sigma(-r)$ and $\sigma(f)$; for the generator's samples
        $-\sigma(-f)$: strongest where they are worst. All are bounded by 1.
    Use:
        A generative adversarial network, or a discriminator as a further term for reconstructions.
    Avoid:
        Where the two sets can be told apart perfectly: the discriminator then learns no more, and
        its gradient in the samples carries little. The value does not tell how good samples are.
    Relatives:
        least_squares_gan: grows with the distance from the boundary, on both sides.
        hinge_gan: a discriminator that stops at a margin.
        bce: on the discriminator's scores behind a plain reversal it is the saturating game, whose
            generator gets $-\sigma(f)$: nothing where it is worst.

    Args:
        real_logits: $r$, `[batch, *scores]`.
        fake_logits: $f$, of the same shape; generated samples enter the discriminator as constants.
        reversed_logits: $g$, of the same shape.

    Returns:
        $\ell$ in nats, shaped like the scores.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> import torch
        >>> real, fake = torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 0.0])
        >>> non_saturating(real, fake, fake)
        tensor([0.2539, 1.3863])

    References:
        Goodfellow et al. 2014, Generative Adversarial Nets, section 3.
    """
    r, f, g = _scores(real_logits, fake_logits, reversed_logits)
    # −log σ(f) − log(1 − σ(f)) − (−log σ(g))
    return F.logsigmoid(g) - F.logsigmoid(r) - F.logsigmoid(f) - F.logsigmoid(-f)


def least_squares_gan(
    real_logits: Logits,
    fake_logits: Logits,
    reversed_logits: Logits,
    *,
    real_label: float = 1.0,
    fake_label: float = 0.0,
    generator_label: float = 1.0,
) -> Tensor:
    r"""Least-squares adversarial loss: draws scores to labels, also those far on the right side.

    $$\ell = \underbrace{\tfrac12 (r - b)^2 + \tfrac12 (f - a)^2}_{L_D} + L_G(f) - L_G(g), \qquad
      L_G(z) = \tfrac12 (z - c)^2$$

    for the scores $r$ of data, $f$ of generated samples, and $g = f$ of the same samples behind
    `gradient_reversal`. The value is $L_D$, the discriminator's loss: there the last two terms
    cancel, and the reversal turns the sign of the last, so that the generator gets the gradient of
    $L_G$. A model gives the names by `adversarial_scores(discriminator, input, generated)`.

    Estimates:
        For a fixed generator $a + (b - a)$ times the probability that a sample is real. With
        $b - c = 1$ and $b - a = 2$ the generator minimises a Pearson $\chi^2$ divergence.
    Gradient:
        For the discriminator $r - b$ and $f - a$; for the generator's samples $f - c$: without
        bound, and never zero while they are not taken for data.
    Use:
        When `non_saturating` is unstable, or its samples stay far from the data.
    Avoid:
        With outliers among the data, whose scores lead as in `mse`.
    Relatives:
        non_saturating: the same game with bounded gradients.
        mse: each of its terms is half of this, on the scores.

    Args:
        real_logits: $r$, `[batch, *scores]`, used as they are, without a sigmoid.
        fake_logits: $f$, of the same shape; generated samples enter the discriminator as constants.
        reversed_logits: $g$, of the same shape.
        real_label: $b$, which the discriminator gives data.
        fake_label: $a$, which the discriminator gives generated samples.
        generator_label: $c$, which the generator wants for them.

    Returns:
        $\ell$, shaped like the scores.

    Raises:
        ValueError: shapes that differ, or a label that is not a number.

    Example:
        >>> import torch
        >>> real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 0.5])
        >>> least_squares_gan(real, fake, fake)
        tensor([2.5000, 0.2500])

    References:
        Mao et al. 2017, Least Squares Generative Adversarial Networks.
    """
    for name, label in (
        ("real_label", real_label),
        ("fake_label", fake_label),
        ("generator_label", generator_label),
    ):
        check_number(name, label, lambda x: abs(x) < float("inf"), "a finite number")
    r, f, g = _scores(real_logits, fake_logits, reversed_logits)
    discriminator = (r - real_label).square() + (f - fake_label).square()
    generator = (f - generator_label).square() - (g - generator_label).square()
    return 0.5 * (discriminator + generator)


def hinge_gan(
    real_logits: Logits, fake_logits: Logits, reversed_logits: Logits, *, margin: float = 1.0
) -> Tensor:
    r"""Hinge adversarial loss: a discriminator that may rest, a generator that never does.

    $$\ell = \underbrace{\max(0, m - r) + \max(0, m + f)}_{L_D} + L_G(f) - L_G(g), \qquad
      L_G(z) = -z$$

    for the scores $r$ of data, $f$ of generated samples, and $g = f$ of the same samples behind
    `gradient_reversal`. The value is $L_D$, the discriminator's loss: there the last two terms
    cancel, and the reversal turns the sign of the last, so that the generator gets the gradient of
    $L_G$. A model gives the names by `adversarial_scores(discriminator, input, generated)`.

    Estimates:
        For a fixed generator $\pm m$, the sign of what is more probable, data or generated; at
        equilibrium 0 or any constant in the margin, and a value of $2m$.
    Gradient:
        For the discriminator $-1$ and $+1$ inside the margin, else 0; for the generator's samples
        always $-1$, also where the discriminator rests.
    Use:
        Generative adversarial networks with a discriminator of bounded slope (spectral norm).
    Avoid:
        With a discriminator of free slope: the generator is rewarded for scores without bound.
    Relatives:
        hinge: $L_D$ is its sum over data labelled 1 and generated samples labelled 0.
        non_saturating: the smooth discriminator, and a generator whose pull fades when it fools.

    Args:
        real_logits: $r$, `[batch, *scores]`.
        fake_logits: $f$, of the same shape; generated samples enter the discriminator as constants.
        reversed_logits: $g$, of the same shape.
        margin: $m > 0$.

    Returns:
        $\ell$, shaped like the scores.

    Raises:
        ValueError: shapes that differ, or a margin that is not positive.

    Example:
        >>> import torch
        >>> real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 0.5])
        >>> hinge_gan(real, fake, fake)
        tensor([0., 2.])

    References:
        Lim & Ye 2017, Geometric GAN. Miyato et al. 2018, Spectral Normalization for Generative
        Adversarial Networks.
    """
    check_number("margin", margin, lambda m: m > 0, "positive")
    r, f, g = _scores(real_logits, fake_logits, reversed_logits)
    return F.relu(margin - r) + F.relu(margin + f) + (g - f)


def _scores(real: Tensor, fake: Tensor, reversed_: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    if not real.shape == fake.shape == reversed_.shape:
        raise ValueError(
            "expected real_logits, fake_logits and reversed_logits of one shape, a score of as "
            f"many generated samples as there are data; got {tuple(real.shape)}, "
            f"{tuple(fake.shape)} and {tuple(reversed_.shape)}"
        )
    return at_least_fp32(real), at_least_fp32(fake), at_least_fp32(reversed_)
