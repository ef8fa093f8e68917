"""Is it finite at the extremes, in half precision, and as exact as its inputs?"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ...losses.watch import backward, finite
from .arguments import SCALES
from .findings import Finding
from .gradients import watched
from .probe import Probe, first_line

_REMEDIES = {
    "log": "take the logarithm inside: logsigmoid, log_softmax, bce and cross_entropy of logits, "
    "or logsumexp for a sum of densities",
    "log2": "take the logarithm inside: logsigmoid or log_softmax of the logits",
    "exp": "subtract the maximum first, or use logsumexp, softmax, expm1",
    "div": "guard the denominator where it can be 0, or leave those elements out",
    "truediv": "guard the denominator where it can be 0, or leave those elements out",
    "sqrt": "add a small number under the root: the root's slope at 0 is infinite",
    "norm": "add a small number under the root: the norm's slope at 0 is infinite",
    "std": "add a small number to the variance under the root",
    "pow": "a power below 1 has an infinite slope at 0: use exp(gamma * log(x)) from log space",
    "rsqrt": "add a small number under the root",
    "acos": "keep the argument inside (-1, 1)",
    "asin": "keep the argument inside (-1, 1)",
    "where": "fill the branch that is not taken before the operation that fails on it",
    "mean": "there may be nothing left to average: divide by max(count, 1)",
    "mul": "0 times infinity: keep the factors finite",
}


# Operations that fail at a point, where others merely grow.
_SINGULAR = frozenset({"log", "log2", "log10", "div", "truediv", "rsqrt", "reciprocal"})


def check_extremes(probe: Probe) -> Iterator[Finding]:
    """NaN or infinity of value or gradient, with the first operation that made it."""
    ordinary = _non_finite(probe, "ordinary values", moderate=True)
    if ordinary is not None:
        yield replace(ordinary, kind=f"{ordinary.kind} anywhere")
        return
    worst: dict[str, Finding] = {}
    for words, moderate, trial in _extremes(probe):
        try:
            finding = _non_finite(trial, words, moderate)
        except Exception as error:  # e.g. torch's own checks of a user's function
            finding = Finding(
                "extremes refused",
                "note",
                f"with {words}: {type(error).__name__}: {first_line(error)}",
                "such values end the training with an error",
                "let the loss take them if they can occur",
            )
        if finding is not None:
            known = worst.get(finding.kind)
            if known is None or (known.level != "broken" and finding.level == "broken"):
                worst[finding.kind] = finding
    yield from worst.values()


def _extremes(probe: Probe) -> Iterator[tuple[str, bool, Probe]]:
    """What is tried, whether it is moderate, and the probe with it."""
    layout = probe.layout
    if layout is None or probe.main is None or probe.target is None:
        for size, moderate in ((0.0, True), (20.0, True), (1e4, False)):
            leaves = {
                name: leaf
                if name in SCALES
                else leaf.sign() * (min(size, 20.0) if probe.is_log_scale(name) else size)
                for name, leaf in probe.leaves.items()
            }
            words = f"{', '.join(probe.leaves)} at ±{size:g}" if size else "everything at 0"
            yield words, moderate, replace(probe, leaves=leaves)
        return
    target = probe.given[probe.target]
    if layout.kind in ("real", "positive"):
        truth = layout.truth(target)
        yield "answers equal to the target", True, probe.with_answer(truth)
        yield (
            "one constant answer",
            True,
            probe.with_answer(torch.full_like(truth, 0.5)),
        )
        if layout.meaning == "real":
            yield "answers of 0", True, probe.with_answer(torch.zeros_like(truth))
            yield "residuals of ±1e4", False, probe.with_answer(truth + 1e4 * truth.sign())
        elif layout.meaning == "positive":
            yield "answers 1e4 times too high", False, probe.with_answer(1e4 * truth)
        elif layout.meaning == "log":
            yield "answers of ±10", True, probe.with_answer(10 * truth.sign())
        constant = torch.full_like(target, 0.5)
        yield (
            "a constant target",
            True,
            probe.with_answer(probe.leaves[probe.main], **{probe.target: constant}),
        )
    else:
        for size in (30.0, 200.0, 1e4):
            moderate = size <= 30
            exact = layout.meaning == "probability"
            at = "probabilities of exactly 0 and 1" if exact else f"logits of ±{size:g}"
            yield f"{at}, all right", moderate, probe.with_answer(layout.truth(target, size))
            yield f"{at}, all wrong", moderate, probe.with_answer(layout.opposite(target, size))
        level = layout.from_scores(torch.zeros_like(layout.truth(target)))
        yield "every logit 0", True, probe.with_answer(level)
        answer = probe.leaves[probe.main]
        for value, words in _single_class(probe):
            yield words, True, probe.with_answer(answer, **{probe.target: value})
            yield (
                f"{words}, all right",
                True,
                probe.with_answer(layout.truth(value), **{probe.target: value}),
            )
    yield "a single sample", False, probe.rows(torch.tensor([0]))


def _single_class(probe: Probe) -> Iterator[tuple[Tensor, str]]:
    layout = probe.layout
    assert layout is not None
    target = probe.given[str(probe.target)]
    if layout.kind in ("binary", "indices"):
        words = "mask" if "mask" in layout.name else "target"
        yield torch.zeros_like(target), f"an empty {words} (all 0)"
        yield torch.ones_like(target), f"a {words} of 1 only"


def _non_finite(probe: Probe, words: str, moderate: bool) -> Finding | None:
    leaves = probe.fresh()
    total, watch = watched(probe, leaves)
    value = float(total.detach())
    if not bool(total.detach().isfinite()):
        culprit = watch.not_finite
        grows = culprit is None or culprit.name not in _SINGULAR
        overflow = value == value and grows and not moderate
        return Finding(
            "overflow" if overflow else "not finite",
            "warning" if overflow or words == "a single sample" else "broken",
            f"the value is {value} with {words}"
            + (f", first made by {culprit}" if culprit else ""),
            "one such batch turns every weight into NaN",
            _REMEDIES.get(culprit.name if culprit else "", "find a form that stays finite there"),
        )
    if not total.requires_grad:
        return None
    back = backward(total, list(leaves.values()), watch)
    gradients = [g for g in back.gradients if g is not None]
    if finite(gradients):
        return None
    culprit = back.not_finite
    nan = any(bool(g.isnan().any()) for g in gradients)
    level = "broken" if nan or moderate else "warning"
    return Finding(
        "gradient not finite" if level == "broken" else "overflow",
        "warning" if words == "a single sample" else level,  # type: ignore[arg-type]
        f"the gradient is {'NaN' if nan else 'infinite'} with {words}, though the value is "
        f"{value:.4g}" + (f"; first made by the derivative of {culprit}" if culprit else ""),
        "one such batch turns every weight into NaN",
        _REMEDIES.get(
            culprit.name if culprit else "", "find a form whose slope stays finite there"
        ),
    )


def check_precision(probe: Probe) -> Iterator[Finding]:
    """Double precision lost on the way, half precision that overflows."""
    double = probe.to(torch.double)
    try:
        values = double.values(double.fresh())
    except Exception as error:  # a user's function may raise anything
        yield Finding(
            "double precision refused",
            "note",
            f"float64: {first_line(error)}",
            "gradients can't be checked against differences, and exact solvers can't be used",
            "give tensors of the loss's own the dtype of its input",
        )
        return
    if values.is_floating_point() and values.dtype != torch.double:
        yield Finding(
            "double precision lost",
            "warning",
            f"float64 goes in, {str(values.dtype).removeprefix('torch.')} comes out",
            "gradients can't be checked against differences, and exact solvers can't be matched",
            "don't fix a dtype (.float(), torch.float32): follow the input's",
        )
    if probe.layout is None or probe.main is None:
        return
    large = _enlarged(probe)
    if large is None:
        return
    full = large.total()
    for dtype in (torch.float16, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        try:
            half = large.to(dtype)
            leaves = half.fresh()
            total = half.total(leaves)
            gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
        except (RuntimeError, NotImplementedError, ValueError) as error:
            yield Finding(
                "half precision refused",
                "note",
                f"{name}: {first_line(error)}",
                "it can't be used inside half-precision training without a cast",
                "cast to float32 inside the loss",
            )
            continue
        if bool(full.isfinite()) and not (
            finite([total]) and finite(g for g in gradients if g is not None)
        ):
            yield Finding(
                "half precision overflow",
                "warning",
                f"on {large.leaves[probe.main].numel():,} values it is "
                f"{float(total.detach()):g} in {name}, {float(full):.4g} in float32",
                f"the largest {name} is {torch.finfo(dtype).max:,.6g}",
                "cast to float32 before the sums",
            )


def _enlarged(probe: Probe) -> Probe | None:
    """The probe on so many elements that sums reach the bounds of half precision."""
    layout = probe.layout
    assert layout is not None
    assert probe.main is not None
    assert probe.target is not None
    if set(probe.leaves) != {probe.main} or set(probe.given) != {probe.target}:
        return None
    answer, target = probe.leaves[probe.main], probe.given[probe.target]
    if len(layout.answer) > 1:
        times = max(1, 512 // answer.shape[-1])
        pixels = (times,) * (len(layout.answer) - 1)
        return probe.with_answer(
            answer[:2].repeat(1, 1, *pixels),
            **{probe.target: target[:2].repeat(*[1] * (target.ndim - len(pixels)), *pixels)},
        )
    scores = layout.meaning in ("logits", "real")
    return probe.with_answer(
        (20 if scores else 1) * answer.repeat(300, *[1] * (answer.ndim - 1)),
        **{probe.target: target.repeat(300, *[1] * (target.ndim - 1))},
    )
