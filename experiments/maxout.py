"""Maxout units: which piece of each got the gradient, before and after training."""

import torch
from torch import Tensor

from ..analysis.trace import Trace, trace
from ..training.answer import Answer, Finding, Trained


def answer(trained: Trained) -> Answer:
    """How much gradient the losing pieces got in the first step, and what was learnt."""
    losers, winners = shares(trace(trained.config))
    data = trained.predict("train")
    right = int(((data["logits"] > 0) == (data["target"] > 0.5)).sum())
    rows, loss = len(data["target"]), trained.loss("train")["loss"]
    return Answer(
        (
            Finding(
                "losers_error", "largest gradient that a losing piece got", losers, "0", losers == 0
            ),
            Finding(
                "winners",
                "share of the winning pieces that got one",
                winners,
                "1",
                winners == 1,
            ),
            Finding(
                "right", "rows that are right in the end", float(right), f"{rows}", right == rows
            ),
            Finding("final_loss", "loss in the end", loss, "below 0.1", loss < 0.1),
        ),
        conclusion="A unit learns as if it were the affine map that won.",
    )


def shares(traced: Trace) -> tuple[float, float]:
    """What gradient losing pieces of the first layer have, and how many of the winners have one.

    Returns:
        The largest absolute gradient by the value of a losing piece; the share of the winners whose
        gradient is not 0.
    """
    by_name = {value.name: value for value in traced.values}
    pieces, units = by_name["layers.0.affine"], by_name["layers.0"]
    assert pieces.gradient is not None
    values = _by_unit(pieces.value, units.value)
    gradient = _by_unit(pieces.gradient, units.value)
    won = torch.zeros_like(values).scatter(-1, values.argmax(-1, keepdim=True), 1).bool()
    return float(gradient[~won].abs().max()), float((gradient[won] != 0).float().mean())


def _by_unit(pieces: Tensor, units: Tensor) -> Tensor:
    """`[batch, units, pieces]`."""
    return pieces.reshape(*units.shape, -1)
