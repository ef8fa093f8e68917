"""Views of losses that compare no answer with a target: policies, latents, parameters, models."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from .axis import CORRELATIONS, EVEN, RESIDUALS, Build, Tensors, View, normal_pairs, number

_RATIOS = (0.25, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0)


def _taken(logit: Tensor) -> Tensor:
    """Logits of two actions of which the second was taken."""
    return torch.stack([torch.zeros_like(logit), logit]).reshape(1, 2)


def _ratio(advantage: float) -> View:
    """The probability of the action taken against what it was; it was ¼."""
    return View(
        "ratio",
        "ratio r = π(a)/π_old(a)",
        _RATIOS,
        0.1,
        2.0,
        lambda x: {
            "logits": _taken(torch.logit(x / 4)),
            "action": torch.tensor([1]),
            "old_log_prob": number(0.25, 1).log(),
            "advantage": number(advantage, 1),
        },
        case="advantage 1" if advantage > 0 else "advantage −1",
    )


def _continuous(x: Tensor) -> Tensors:
    """A Gaussian policy of width 1 whose mean is `x` off the action that was taken."""
    return {"mu": x.reshape(1, 1), "log_sigma": number(0, 1, 1), "action": number(0, 1, 1)}


def _of_parameters(x: Tensor) -> Tensors:
    return {"parameters": {"layer.weight": x.reshape(1, 1)}}


def _of_matrix(x: Tensor) -> Tensors:
    return {"parameters": {"layer.weight": x * torch.eye(2).double()}}


def _of_latents(x: Tensor) -> Tensors:
    """What a standard normal would give, moved by `x`."""
    shares = (torch.arange(64).double() + 0.5) / 64
    return {"latent": (torch.special.ndtri(shares) + x).reshape(-1, 1)}


def _correlated(x: Tensor) -> Tensors:
    """Two latents, normal and of correlation `x`; those of each sample are narrow."""
    first, second = normal_pairs(256)
    latent = torch.stack([first, x * first + (1 - x * x).sqrt() * second], 1)
    return {"latent": latent, "mu": latent, "logvar": torch.full_like(latent, -2.0)}


def _slope(x: Tensor, name: str) -> Tensors:
    """A linear model of slope `x`, asked about one input."""
    return {"model": lambda value: {name: x * value}, "input": number(1, 1, 1)}


def _two_slopes(x: Tensor) -> Tensors:
    """A linear classifier of two classes whose logits differ by `x` times the input."""
    two = torch.tensor([0.0, 1.0]).double()
    return {
        "model": lambda value: {"logits": x * value * two},
        "input": number(1, 1, 1),
        "target": torch.tensor([1]),
    }


def _mixture(x: Tensor) -> Tensors:
    """One component of width 1."""
    return {
        "mixture_logits": number(0, 1, 1),
        "mu": x.reshape(1, 1, 1),
        "log_sigma": number(0, 1, 1, 1),
        "target": number(0, 1, 1),
    }


def _view(axis: str, label: str, build: Build, points: tuple[float, ...] = EVEN) -> View:
    return View(axis, label, points, min(points), max(points), build)


_TAKEN = "margin m, the logit of the action taken minus the other's; the advantage is 1"
_OFF = "mean minus the action taken, with width 1 and advantage 1"

SPECIAL_VIEWS: dict[frozenset[str], list[View]] = {
    frozenset({"logits", "action", "advantage"}): [
        _view(
            "margin",
            _TAKEN,
            lambda x: {
                "logits": _taken(x),
                "action": torch.tensor([1]),
                "advantage": number(1, 1),
            },
        )
    ],
    frozenset({"logits", "action", "old_log_prob", "advantage"}): [
        replace(_ratio(1.0), twin=_ratio(-1.0))
    ],
    frozenset({"mu", "log_sigma", "action", "advantage"}): [
        _view("mean", _OFF, lambda x: {**_continuous(x), "advantage": number(1, 1)})
    ],
    frozenset({"mu", "log_sigma", "action", "old_log_prob", "advantage"}): [
        _view(
            "mean",
            f"{_OFF}; the old mean is 1 off",
            lambda x: {
                **_continuous(x),
                "old_log_prob": number(-0.5 - 0.5 * math.log(2 * math.pi), 1),
                "advantage": number(1, 1),
            },
        )
    ],
    frozenset({"logits"}): [
        _view("logit", "logit of one class minus the other's", lambda x: {"logits": _taken(x)})
    ],
    frozenset({"log_prob", "target"}): [
        _view(
            "margin",
            "margin m, the true class's logit minus the other's",
            lambda x: {"log_prob": _taken(x).log_softmax(1), "target": torch.tensor([1])},
        )
    ],
    frozenset({"parameters"}): [
        replace(_view("parameter", "one parameter w", _of_parameters), varies="parameters"),
        replace(_view("scale", "scale s of an orthogonal matrix", _of_matrix), varies="parameters"),
    ],
    frozenset({"latent"}): [_view("shift", "mean of the latents, their variance 1", _of_latents)],
    frozenset({"latent", "mu", "logvar"}): [
        _view("correlation", "correlation ρ of two latents", _correlated, CORRELATIONS)
    ],
    frozenset({"mixture_logits", "mu", "log_sigma", "target"}): [
        _view("residual", "residual r of the only component, of width 1", _mixture, RESIDUALS)
    ],
    frozenset({"model", "input"}): [
        _view("slope", "slope of a linear model", lambda x: _slope(x, "prediction")),
        _view("slope", "slope of a linear model", lambda x: _slope(x, "logits")),
    ],
    frozenset({"model", "input", "target"}): [
        _view("slope", "slope of a linear classifier's margin", _two_slopes)
    ],
    frozenset({"prediction"}): [
        _view("prediction", "prediction", lambda x: {"prediction": x.reshape(1, 1)}),
        _view(
            "step",
            "height h of a step in the middle of an image",
            lambda x: {"prediction": x * (torch.arange(8) > 3).double().expand(1, 1, 8, 8)},
        ),
    ],
}
