"""Softmax and cross-entropy: the gradient through the logits, and the long way through p."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ..analysis.trace import Trace, Value, trace
from ..training.answer import Answer, Finding, Trained

_ROUNDING = 1e-5


class SoftmaxClassifier(nn.Module):
    """A linear classifier that gives its logits and, beside them, their softmax.

    Args:
        in_features: numbers in one sample.
        outputs: classes.
    """

    def __init__(self, in_features: int, outputs: int) -> None:
        super().__init__()
        self.affine = nn.Linear(in_features, outputs, bias=False)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        """Logits and probabilities, `[batch, classes]`."""
        logits = self.affine(input.flatten(1))
        return {"logits": logits, "probability": self.softmax(logits)}


def log_loss(probability: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy from probabilities, $-\log p_t$, `[batch]`; on the logits it is safer.

    Args:
        probability: `[batch, classes]`.
        target: class indices, `[batch]`.
    """
    return -probability.gather(1, target.unsqueeze(1)).squeeze(1).log()


def answer(trained: Trained) -> Answer:
    r"""The gradient by the logits on both ways, against $p - t$.

    By the chain rule $\partial\ell/\partial z = J^T\,\partial\ell/\partial p$ with the Jacobian
    $J = \operatorname{diag}(p) - p\,p^T$ of the softmax; $-1/p_t$ times its row $t$ is $p - t$.
    """
    direct = trace(trained.config)
    term = {"_target_": f"{__name__}.log_loss"}
    chained = trace({**trained.config, "loss": {"log_loss": term}})
    probability = _named(direct, "probability").value
    target = one_hot(direct.batch["target"], probability.shape[1])
    delta = probability - target
    by_p, jacobian = (
        _named(chained, "probability").gradient,
        _named(chained, "probability").jacobian,
    )
    assert by_p is not None
    assert jacobian is not None
    expected = torch.diag_embed(probability) - probability.unsqueeze(2) * probability.unsqueeze(1)
    product = (by_p.unsqueeze(1) @ jacobian).squeeze(1)
    gaps = {
        "direct": ("∂loss/∂logits − (softmax(logits) − target)", _by_logits(direct) - delta),
        "chained": ("the same, computed from the probabilities", _by_logits(chained) - delta),
        "product": ("∂loss/∂probability times the Jacobian, the same", product - delta),
        "jacobian": ("the Jacobian − (diag(p) − p pᵀ)", jacobian - expected),
    }
    sizes = {name: (says, float(gap.abs().max())) for name, (says, gap) in gaps.items()}
    return Answer(
        (
            Finding("probability", "softmax(logits)", _text(probability)),
            Finding("target", "target, one-hot", _text(target)),
            Finding("delta", "∂loss/∂logits", _text(_by_logits(direct))),
            Finding("by_probability", "∂loss/∂probability", _text(by_p)),
            *(
                Finding(f"{name}_gap", says, size, f"below {_ROUNDING:g}", size < _ROUNDING)
                for name, (says, size) in sizes.items()
            ),
        ),
        conclusion='"output − target" is the gradient by the logits, on either way.',
    )


def _named(traced: Trace, name: str) -> Value:
    return next(value for value in traced.values if value.name == name)


def _by_logits(traced: Trace) -> Tensor:
    gradient = _named(traced, "logits").gradient
    assert gradient is not None
    return gradient


def _text(table: Tensor) -> str:
    return " ".join(f"{value:.4g}" for value in table.flatten().tolist())
