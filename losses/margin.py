"""Losses of the margin: of how far a score lies on the right side, in the score's own unit."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_choice, check_indices, check_number, class_mask, paired
from .domains import Labels, Logits, Signs
from .reduction import at_least_fp32


def hinge(logits: Logits, target: Signs, *, margin: float = 1.0, labels: str = "01") -> Tensor:
    r"""Hinge loss: the support vector machine's, zero once an answer is right by a margin.

    $$\ell = \max(0,\; m - y z) \qquad\text{or, for several classes,}\qquad
      \ell = \max(0,\; m + \max_{j \ne y} z_j - z_y)$$

    for labels $y = \pm 1$, each judged by its own score $z$, and for class indices $y$.

    Estimates:
        The side on which the class of the majority lies, $\operatorname{sign}(P(y{=}1) -
        \tfrac12)$: a margin classifier. The scores are not probabilities.
    Gradient:
        $-y$ inside the margin and 0 beyond it: only the support vectors pull, all alike.
    Use:
        With `l2_norm` on a linear model, a support vector machine; where the decision counts and
        well-answered examples are to leave the solution alone.
    Avoid:
        Where probabilities are needed (`bce`), or where wrong labels abound: they pull for ever.
    Relatives:
        squared_hinge: the square of this; smooth at the margin, harder on what is far off.
        crammer_singer: this for class indices.
        perceptron: this with `margin=0`.
        logistic: the smooth form, which never stops pulling.

    Args:
        logits: scores $z$, `[batch, channels, *spatial]`.
        target: 0 and 1 (or −1 and 1, see `labels`), shaped like the logits; or, for several
            classes of which one holds, class indices `[batch, *spatial]`.
        margin: $m > 0$.
        labels: how a target shaped like the logits is written: `01` or `pm1`. Never guessed.

    Returns:
        $\ell$, shaped like the target.

    Raises:
        ValueError: a target of the wrong shape, or an option outside its range.

    Example:
        >>> logits, target = torch.tensor([[0.3], [2.0], [-0.5]]), torch.tensor([[1], [1], [0]])
        >>> hinge(logits, target).squeeze(1)
        tensor([0.7000, 0.0000, 0.5000])
        >>> hinge(torch.tensor([[2.0, 1.5, -1.0]]), torch.tensor([0]))
        tensor([0.5000])

    References:
        Cortes & Vapnik 1995, Support-Vector Networks. Crammer & Singer 2001, On the Algorithmic
        Implementation of Multiclass Kernel-based Vector Machines, eq. 2.
    """
    check_number("margin", margin, lambda m: m > 0, "positive")
    return F.relu(margin - _lead(logits, target, labels))


def squared_hinge(
    logits: Logits, target: Signs, *, margin: float = 1.0, labels: str = "01"
) -> Tensor:
    r"""Squared hinge loss: a margin whose pull fades on the way out and grows on the way in.

    $$\ell = \max(0,\; m - y z)^2 \qquad\text{or, for several classes,}\qquad
      \ell = \max(0,\; m + \max_{j \ne y} z_j - z_y)^2$$

    without a factor ½, for labels $y = \pm 1$ or class indices $y$.

    Estimates:
        $z = m\,(2 P(y{=}1) - 1)$, so that $P(y{=}1) = \tfrac12(1 + z/m)$ for scores within the
        margin. For several classes a margin classifier.
    Gradient:
        $-2y \max(0, m - yz)$: continuous at the margin, and growing with the violation.
    Use:
        Support vector machines trained by gradient: the loss has a derivative everywhere.
    Avoid:
        With outliers or wrong labels, which lead as in `mse`.
    Relatives:
        hinge: its square root; bounded gradient.
        mse: against $my$ the same inside the margin, but it pulls answers back that lie beyond.

    Args:
        logits: scores $z$, `[batch, channels, *spatial]`.
        target: 0 and 1 (or −1 and 1, see `labels`), shaped like the logits; or class indices
            `[batch, *spatial]`.
        margin: $m > 0$.
        labels: how a target shaped like the logits is written: `01` or `pm1`.

    Returns:
        $\ell$, shaped like the target.

    Raises:
        ValueError: a target of the wrong shape, or an option outside its range.

    Example:
        >>> logits, target = torch.tensor([[0.3], [2.0], [-0.5]]), torch.tensor([[1], [1], [0]])
        >>> squared_hinge(logits, target).squeeze(1)
        tensor([0.4900, 0.0000, 0.2500])

    References:
        Tang 2013, Deep Learning using Linear Support Vector Machines. Zhang 2004, Statistical
        Behavior and Consistency of Classification Methods Based on Convex Risk Minimization.
    """
    return hinge(logits, target, margin=margin, labels=labels).square()


def crammer_singer(logits: Logits, target: Labels, *, margin: float = 1.0) -> Tensor:
    r"""Crammer–Singer loss: the true class must lead its strongest rival by a margin.

    $$\ell = \max(0,\; m + \max_{j \ne y} z_j - z_y)$$

    for scores $z$ and class $y$. The loss is the size of one violation, not a sum of all.

    Estimates:
        The most probable class where one has more than half of the probability; where none has,
        the minimiser can be a tie that says nothing. The scores are not probabilities.
    Gradient:
        $-1$ for the true class and $+1$ for the strongest rival while the lead is below $m$, else
        0. Other classes feel nothing; equal rivals share the pull.
    Use:
        Multi-class support vector machines, with `l2_norm`.
    Avoid:
        Many classes that are hard to tell apart, where no class has a majority: `cross_entropy`.
    Relatives:
        hinge: takes class indices too and is then this; with one channel it is this for the two
            scores $(-z/2, z/2)$.
        perceptron: this with `margin=0`.
        cross_entropy: the smooth form for $m = 0$, with log-sum-exp over all classes for max.

    Args:
        logits: scores $z$, `[batch, classes, *spatial]`, at least two classes.
        target: class indices $y$ of any integer type, `[batch, *spatial]`.
        margin: $m > 0$.

    Returns:
        $\ell$, `[batch, *spatial]`.

    Raises:
        ValueError: one channel, a target of the wrong shape, or a margin that is not positive.

    Example:
        >>> logits = torch.tensor([[2.0, 1.5, -1.0], [2.0, 1.5, -1.0]])
        >>> crammer_singer(logits, torch.tensor([0, 2]))
        tensor([0.5000, 4.0000])

    References:
        Crammer & Singer 2001, On the Algorithmic Implementation of Multiclass Kernel-based Vector
        Machines, eq. 2. Consistency: Tewari & Bartlett 2007, On the Consistency of Multiclass
        Classification Methods.
    """
    check_number("margin", margin, lambda m: m > 0, "positive")
    return F.relu(margin - _lead_over_rivals(logits, target))


def perceptron(logits: Logits, target: Signs, *, labels: str = "01") -> Tensor:
    r"""Perceptron loss: corrects what is wrong or undecided, and asks for no margin.

    $$\ell = \max(0,\; -y z) \qquad\text{or, for several classes,}\qquad
      \ell = \max(0,\; \max_{j \ne y} z_j - z_y)$$

    for labels $y = \pm 1$ or class indices $y$. Plain gradient steps of size 1, example by example,
    are Rosenblatt's rule.

    Estimates:
        A separating boundary where there is one. Scores of 0 everywhere are a minimum too, so on
        data that overlap the scores shrink instead of settling.
    Gradient:
        $-y$ where $yz \le 0$, at $z = 0$ too (so that a model of zeros learns), else 0.
    Use:
        Separable data, teaching, and structured answers.
    Avoid:
        Nearly everything else: `hinge` and `logistic` settle on overlapping data.
    Relatives:
        hinge: with a margin above 0; its limit for $m \to 0$ is this.
        logistic: of $z/T$, times $T$, is this in the limit $T \to 0$.

    Args:
        logits: scores $z$, `[batch, channels, *spatial]`.
        target: 0 and 1 (or −1 and 1, see `labels`), shaped like the logits; or class indices
            `[batch, *spatial]`.
        labels: how a target shaped like the logits is written: `01` or `pm1`.

    Returns:
        $\ell$, shaped like the target.

    Raises:
        ValueError: a target of the wrong shape, or unknown `labels`.

    Example:
        >>> logits, target = torch.tensor([[0.3], [2.0], [-0.5]]), torch.tensor([[0], [1], [1]])
        >>> perceptron(logits, target).squeeze(1)
        tensor([0.3000, 0.0000, 0.5000])

    References:
        Rosenblatt 1958, The Perceptron: A Probabilistic Model for Information Storage and
        Organization in the Brain. Bishop 2006, Pattern Recognition and Machine Learning, eq. 4.54.
    """
    # Unlike relu, clamp passes the gradient on at its bound.
    return (-_lead(logits, target, labels)).clamp(min=0)


def logistic(logits: Logits, target: Signs, *, labels: str = "01") -> Tensor:
    r"""Logistic loss: cross-entropy written as a function of the margin.

    $$\ell = \log(1 + \exp(-yz))$$

    for labels $y = \pm 1$, each judged by its own score $z$.

    Estimates:
        The log-odds $\log\frac{P(y=1)}{P(y=-1)}$: $\sigma(z)$ is the probability of class 1.
    Gradient:
        $-y\,\sigma(-yz)$: bounded by 1, and never zero while the answer is wrong.
    Use:
        Logistic regression, above all for labels written as $\pm 1$ (`labels=pm1`).
    Avoid:
        Soft targets or smoothed labels: `bce` takes them.
    Relatives:
        bce: the same number and gradient, written for targets in [0, 1].
        exponential: the same minimiser, but it grows exponentially with a wrong answer.
        hinge: stops pulling beyond the margin.
        cross_entropy: of the two classes' scores $(0, z)$.

    Args:
        logits: $z$, `[batch, channels, *spatial]`.
        target: 0 and 1, or −1 and 1, see `labels`; shaped like the logits.
        labels: how the target is written: `01` or `pm1`. Never guessed.

    Returns:
        $\ell$ in nats, shaped like the logits.

    Raises:
        ValueError: shapes that differ, or unknown `labels`.

    Example:
        >>> logits, target = torch.tensor([[0.0], [2.0], [-2.0]]), torch.tensor([[1], [-1], [-1]])
        >>> logistic(logits, target, labels="pm1").squeeze(1)
        tensor([0.6931, 2.1269, 0.1269])

    References:
        Bishop 2006, Pattern Recognition and Machine Learning, section 7.1.2. Friedman, Hastie &
        Tibshirani 2000, Additive Logistic Regression: A Statistical View of Boosting.
    """
    return -F.logsigmoid(_signed(logits, target, labels))


def exponential(logits: Logits, target: Signs, *, labels: str = "01") -> Tensor:
    r"""Exponential loss: AdaBoost's, in which the worst answers lead by far.

    $$\ell = \exp(-yz)$$

    for labels $y = \pm 1$, each judged by its own score $z$. It is not guarded, since a guard would
    be another loss: below about $yz = -88$ value and gradient overflow in single precision, and the
    gradient in half precision below $-11$.

    Estimates:
        Half the log-odds, $\tfrac12\log\frac{P(y=1)}{P(y=-1)}$: $\sigma(2z)$ is the probability of
        class 1.
    Gradient:
        $-y \exp(-yz)$, as large as the loss itself: without bound for wrong answers.
    Use:
        To study boosting, on scores of order 1 with clean labels.
    Avoid:
        Wrong labels, outliers, deep nets with free scores: `logistic` estimates the same.
    Relatives:
        logistic: the same for large $yz$, linear where this is exponential.

    Args:
        logits: $z$, `[batch, channels, *spatial]`, of order 1 to 10.
        target: 0 and 1, or −1 and 1, see `labels`; shaped like the logits.
        labels: how the target is written: `01` or `pm1`. Never guessed.

    Returns:
        $\ell$, shaped like the logits.

    Raises:
        ValueError: shapes that differ, or unknown `labels`.

    Example:
        >>> logits, target = torch.tensor([[0.0], [2.0], [-2.0]]), torch.tensor([[1], [1], [1]])
        >>> exponential(logits, target).squeeze(1)
        tensor([1.0000, 0.1353, 7.3891])

    References:
        Friedman, Hastie & Tibshirani 2000, Additive Logistic Regression: A Statistical View of
        Boosting. Freund & Schapire 1997, A Decision-Theoretic Generalization of On-Line Learning.
    """
    return torch.exp(-_signed(logits, target, labels))


def _lead(logits: Tensor, target: Tensor, labels: str) -> Tensor:
    """By how much each answer is right: $yz$, or the true class's score less the best other."""
    if logits.ndim > 1 and logits.shape[1] > 1 and target.shape != logits.shape:
        check_choice("labels", labels, ("01", "pm1"))
        return _lead_over_rivals(logits, target)
    return _signed(logits, target, labels)


def _signed(logits: Tensor, target: Tensor, labels: str) -> Tensor:
    check_choice("labels", labels, ("01", "pm1"))
    logits, target = paired(logits, target)
    return (target if labels == "pm1" else 2 * target - 1) * logits


def _lead_over_rivals(logits: Tensor, target: Tensor) -> Tensor:
    check_indices(logits, target)
    logits, index = at_least_fp32(logits), target.long()
    true = logits.gather(1, index.unsqueeze(1)).squeeze(1)
    rivals = logits.masked_fill(class_mask(index, logits.shape[1]), -torch.inf)
    return true - rivals.amax(1)
