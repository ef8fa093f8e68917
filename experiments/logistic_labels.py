"""The logistic loss for labels of 0 and 1, and of −1 and 1: one function, two spellings."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..data.build import fingerprint
from ..data.scikit_learn import breast_cancer
from ..data.source import TensorSource
from ..losses import bce, logistic
from ..losses.reduction import reduce_values
from ..training.answer import Answer, Finding, Trained

Loss = Callable[[Tensor, Tensor], Tensor]


def weighted_breast_cancer(*, spread: float = 0.5, seed: int = 0, **options: Any) -> TensorSource:
    """Breast cancer, with a weight for each sample: log-normal, of median 1.

    >>> sorted(weighted_breast_cancer().splits["train"])
    ['input', 'target', 'weight']

    Args:
        spread: standard deviation of the weights' logarithm.
        seed: draws the weights.
        **options: of `breast_cancer`.
    """
    source = breast_cancer(**options)
    generator = torch.Generator().manual_seed(seed)
    for tensors in source.splits.values():
        noise = torch.randn(len(tensors["input"]), generator=generator)
        tensors["weight"] = torch.exp(spread * noise)
    weights = fingerprint(*(tensors["weight"] for tensors in source.splits.values()))
    summary = {**source.summary, "weights": weights}
    return TensorSource(source.spec, source.splits, summary)


def for_zero_and_one(logits: Tensor, target: Tensor) -> Tensor:
    r"""$-y \log p - (1-y) \log(1-p)$, $p = \sigma(z)$, for $y$ of 0 and 1, as it is written."""
    probability = logits.sigmoid()
    return -target * probability.log() - (1 - target) * (1 - probability).log()


def for_signs(logits: Tensor, target: Tensor) -> Tensor:
    r"""$\log(1 + \exp(-y z))$, for $y$ of −1 and 1, as it is written."""
    return torch.log(1 + torch.exp(-target * logits))


def answer(trained: Trained, *, most: float = 1e-3) -> Answer:
    """Number and gradient of each spelling, and the coefficients beside an exact solver's.

    Args:
        trained: a linear model, by `bce` or `logistic` and `l2_norm`.
        most: the largest difference of a coefficient that is accepted, relative to the largest
            coefficient.
    """
    seen = trained.predict("train")
    inputs, sample_weight = seen["input"].double(), seen["weight"].double()
    truth = (seen["target"] > 0).double()
    penalty = next(t.weight_at(0.0) for t in trained.objective.terms if t.name == "l2_norm")
    weight, bias = (p.detach().double().cpu() for p in trained.model.parameters())
    spellings: dict[str, tuple[Loss, Tensor]] = {
        "−y log p − (1−y) log(1−p)": (for_zero_and_one, truth),
        "log(1 + exp(−yz))": (for_signs, 2 * truth - 1),
        "bce": (bce, truth),
        "logistic, labels=pm1": (lambda z, y: logistic(z, y, labels="pm1"), 2 * truth - 1),
    }
    values, gradients = [], []
    for loss, target in spellings.values():
        w = weight.clone().requires_grad_()
        data = reduce_values(loss(inputs @ w.T + bias, target), sample_weight)
        total = data + penalty * w.square().sum() / 2
        gradients.append(torch.autograd.grad(data, w)[0])
        values.append(total.item())
    value_error = max(abs(value / values[0] - 1) for value in values)
    sizes = gradients[0].abs().max()
    gradient_error = max((g - gradients[0]).abs().max() / sizes for g in gradients).item()
    exact = _exact(inputs, truth, sample_weight, penalty)
    gap = ((weight.flatten() - exact).abs().max() / exact.abs().max()).item()
    return Answer(
        (
            *(
                Finding(f"spelling_{number}_loss", f"objective, by {name}", value)
                for number, (name, value) in enumerate(zip(spellings, values, strict=True), 1)
            ),
            Finding(
                "value_error",
                "largest difference, relative",
                value_error,
                "below 1e-9",
                value_error < 1e-9,
            ),
            Finding(
                "gradient_error",
                "of the gradients, relative",
                gradient_error,
                "below 1e-9",
                gradient_error < 1e-9,
            ),
            Finding(
                "coefficient_gap",
                "coefficients beside LogisticRegression's",
                gap,
                f"at most {most:g}",
                gap <= most,
            ),
        ),
        conclusion="With z for label 1, p = σ(z), both are log(1 + exp(−z)); for the other, of −z.",
    )


def _exact(inputs: Tensor, truth: Tensor, sample_weight: Tensor, penalty: float) -> Tensor:
    r"""scikit-learn's coefficients, `[features]`; its $C$ is $1/(\alpha \sum_i w_i)$."""
    from sklearn.linear_model import LogisticRegression

    solver = LogisticRegression(
        C=1 / (penalty * sample_weight.sum().item()), tol=1e-10, max_iter=10_000
    )
    solver.fit(inputs.numpy(), truth.flatten().numpy(), sample_weight.numpy())
    return torch.tensor(solver.coef_[0])
