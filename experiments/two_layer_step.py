"""One step of a linear 2-2-1 net: the chain rule by hand beside what autograd and SGD did."""

import torch
from torch import Tensor

from ..analysis.trace import Trace, trace
from ..training.answer import Answer, Finding, Trained

_HALF_SQUARED = {"mse": {"_target_": "losslab.losses.mse", "weight": 0.5}}
_ROUNDING = 1e-6


def answer(trained: Trained) -> Answer:
    r"""What the step did with each loss, and by what their gradients differ.

    With $h = W_1 x$, $p = W_2 h$ and error $e = p - t$, the gradients are $s\,h^T$ of $W_2$ and
    $s\,W_2^T x^T$ of $W_1$, where $s = \operatorname{sign}(e)$ for L1 and $s = e$ for half the
    squared error.
    """
    absolute = trace(trained.config)
    squared = trace({**trained.config, "loss": _HALF_SQUARED})
    error = absolute.values[-1].value - absolute.batch["target"]
    first, second = absolute.points[0].gradients.values()
    ratio = squared.points[0].gradients["layers.1.weight"] / second
    gaps = [gap_by_hand(absolute, error.sign()), gap_by_hand(squared, error)]
    return Answer(
        (
            Finding("prediction", "prediction", absolute.values[-1].value.item()),
            Finding("absolute_loss", "L1 loss", absolute.points[0].loss),
            Finding("output_gradients", "its gradients of the output weights", _text(second)),
            Finding("hidden_gradients", "its gradients of the hidden weights", _text(first)),
            Finding("output_weights", "output weights after its step", _after(absolute)),
            Finding("squared_weights", "after a step on half the squared error", _after(squared)),
            Finding(
                "gradient_ratio",
                "gradients of half the squared error ÷ those of L1",
                ratio.mean().item(),
                f"|error| = {error.abs().item():.4g}",
                torch.allclose(ratio, error.abs().expand_as(ratio)),
            ),
            Finding(
                "by_hand_gap",
                "largest difference from the chain rule by hand",
                max(gaps),
                f"below {_ROUNDING:g}",
                max(gaps) < _ROUNDING,
            ),
        ),
        conclusion="L1 sees the sign of the error, the squared error its size: that one factor "
        "stands before every gradient.",
    )


def gap_by_hand(traced: Trace, slope: Tensor) -> float:
    """The largest difference of a weight after the step from what the chain rule says.

    Args:
        traced: a step of the net.
        slope: the derivative of the loss by the prediction, `[1, 1]`.
    """
    x, before, after = traced.batch["input"], traced.points[0].weights, traced.points[1].weights
    hidden, output = before["layers.0.weight"], before["layers.1.weight"]
    rate = float(traced.facts["lr"])
    expected = {
        "layers.0.weight": hidden - rate * (output.T @ slope) @ x,
        "layers.1.weight": output - rate * slope @ (x @ hidden.T),
    }
    return max(float((after[name] - expected[name]).abs().max()) for name in expected)


def _after(traced: Trace) -> str:
    return _text(traced.points[1].weights["layers.1.weight"])


def _text(table: Tensor) -> str:
    rows = [" ".join(f"{value:.4g}" for value in row) for row in table.tolist()]
    return "; ".join(rows)
