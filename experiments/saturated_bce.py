"""Binary cross-entropy written by hand: NaN once a sigmoid is exactly 1."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..data.build import summarise, tensor_source
from ..data.source import TensorSource
from ..data.spec import Spec
from ..data.split import split_indices
from ..losses import bce
from ..training.answer import Answer, Finding, Trained

Loss = Callable[[Tensor, Tensor], Tensor]

_SIZE = 16
_EPS = 1e-7
_WRONG_BY = 30.0  # logit of an answer that is surely wrong


def binary_images(
    *, samples: int = 160, noise: float = 0.05, seed: int = 0, split_seed: int = 0
) -> TensorSource:
    """Images of 16 × 16 pixels, one bright rectangle each, and which pixels are bright.

    >>> batch = next(binary_images(samples=20).batches("train", 4))
    >>> batch["input"].shape, batch["target"].unique()
    (torch.Size([4, 1, 16, 16]), tensor([0., 1.]))

    Args:
        samples: number of images.
        noise: standard deviation of each pixel, which is 0 or 1 without.
        seed: draws the images.
        split_seed: draws the split.
    """
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(0, 9, (2, samples, 1), generator=generator)
    last = first + torch.randint(3, 8, (2, samples, 1), generator=generator)
    place = torch.arange(_SIZE)
    rows, columns = (place >= first) & (place < last)
    mask = (rows.unsqueeze(2) & columns.unsqueeze(1)).float().unsqueeze(1)
    image = mask + noise * torch.randn(mask.shape, generator=generator)
    split = split_indices(samples, val=0.15, test=0.15, seed=split_seed)
    spec = Spec((1, _SIZE, _SIZE), "binary", 1, dense=True, labels=("dark", "bright"))
    summary = summarise("binary_images", split, image, mask)
    return tensor_source(spec, {"input": image, "target": mask}, split, summary)


def by_hand(logits: Tensor, target: Tensor) -> Tensor:
    r"""$-y \log p - (1-y) \log(1-p)$ with $p = \sigma(z)$.

    Args:
        logits: `[batch, 1, height, width]`.
        target: 0 and 1, `[batch, 1, height, width]`.
    """
    probability = torch.sigmoid(logits)
    return -target * torch.log(probability) - (1 - target) * torch.log(1 - probability)


def with_eps(logits: Tensor, target: Tensor) -> Tensor:
    r"""The same with $\epsilon$ in the logarithms: finite, and deaf to what is surely wrong.

    Args:
        logits: `[batch, 1, height, width]`.
        target: 0 and 1, `[batch, 1, height, width]`.
    """
    probability = torch.sigmoid(logits)
    return -target * torch.log(probability + _EPS) - (1 - target) * torch.log(
        1 - probability + _EPS
    )


def answer(trained: Trained) -> Answer:
    """What the three forms say of one run's answers, and of one that is surely wrong."""
    seen = trained.predict("test")
    logits, target = seen["logits"].float(), seen["target"].float()
    exact = (logits.sigmoid() == 1).double().mean().item()
    spoilt = (~by_hand(logits, target).isfinite()).double().mean().item()
    wrong, truth = torch.tensor([[_WRONG_BY]]), torch.zeros(1, 1)
    value, gradient = _at(with_eps, wrong, truth)
    right_value, right_gradient = _at(bce, wrong, truth)
    return Answer(
        (
            Finding("exactly_one", "share of answers where σ(z) is exactly 1", exact),
            Finding("not_finite", "share that makes it NaN by hand", spoilt, "above 0", spoilt > 0),
            Finding("eps_loss", "test loss, with eps", _mean(with_eps, logits, target)),
            Finding("logits_loss", "test loss, from logits", _mean(bce, logits, target)),
            Finding("eps_value", f"surely wrong (z = {_WRONG_BY:g}), with eps", value),
            Finding("eps_gradient", "its gradient", gradient, "lost", gradient < 1e-3),
            Finding("logits_value", "surely wrong, from logits", right_value),
            Finding("logits_gradient", "its gradient", right_gradient, "1", right_gradient > 0.99),
        ),
        conclusion="From logits the loss is finite, and what is surely wrong is still corrected.",
    )


def _mean(loss: Loss, logits: Tensor, target: Tensor) -> float:
    return float(loss(logits, target).mean())


def _at(loss: Loss, logits: Tensor, target: Tensor) -> tuple[float, float]:
    """The value and the size of the gradient at one answer."""
    leaf = logits.clone().requires_grad_()
    value = loss(leaf, target).sum()
    (gradient,) = torch.autograd.grad(value, leaf)
    return float(value.detach()), float(gradient.abs().max())
