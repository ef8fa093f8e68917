"""Does the gradient arrive, is it the value's own, and does it last while the loss is high?"""

from collections.abc import Iterator

import torch
from torch import Tensor

from ...losses.watch import Backward, Call, Watch, backward
from .findings import Finding
from .probe import Probe

_REMEDIES = {
    "argmax": "use the softmax in its place: probabilities instead of the winner",
    "max": "use the values of the maximum, not its index, or a softmax",
    "topk": "use the values, not the indices",
    "argsort": "use differentiable ranks, as soft_spearman does",
    "sort": "use the sorted values, not the indices; ranks as soft_spearman does",
    "round": "leave the rounding out, and round when you evaluate",
    "item": "keep the tensor: .item() makes a Python number of it",
    "tolist": "keep the tensor instead of a Python list",
    "numpy": "write it with torch functions: NumPy keeps no gradient",
    "array": "write it with torch functions: NumPy keeps no gradient",
    "detach": "leave .detach() out, or take it off the part that must learn",
    "data": "use the tensor itself: .data has no gradient",
    "tensor": "don't make a new tensor of it: use the one you have (torch.stack joins several)",
    "as_tensor": "don't make a new tensor of it: use the one you have",
    "long": "leave the integer cast out: integers have no gradient",
    "int": "leave the integer cast out: integers have no gradient",
    "bool": "use the value itself as a soft truth, e.g. a sigmoid",
    "float": "keep the tensor: float() makes a Python number of it",
    "to": "don't cast to an integer type",
    "sign": "use tanh(x / temperature) in its place",
    "clamp": "the clamp has no gradient outside its bounds: widen them, or leave it out",
    "no_grad": "leave torch.no_grad() out of the loss",
}
_SOFT_STEP = "use a sigmoid in place of the comparison: sigmoid((x - threshold) / temperature)"
_REMEDIES |= dict.fromkeys((">", "<", ">=", "<=", "==", "!="), _SOFT_STEP)


def remedy_for(call: Call | None) -> str:
    """What to write instead of an operation without a gradient."""
    name = call.name if call else ""
    return _REMEDIES.get(name, "compute it from the model's answer with differentiable operations")


def watched(probe: Probe, leaves: dict[str, Tensor]) -> tuple[Tensor, Watch]:
    """The loss as one number, and what was seen on the way."""
    layout = probe.layout
    meanings = {
        id(leaf): layout.meaning
        for name, leaf in leaves.items()
        if layout and name == probe.main and layout.meaning in ("logits", "probability")
    }
    watch = Watch(leaves.values(), probe.samples, meanings)
    with watch:
        total = probe.total(leaves)
    return total, watch


def gradient_of(probe: Probe) -> tuple[Tensor, Watch, Backward | None]:
    """The value, what was seen on the way there, and on the way back if there is one."""
    leaves = probe.fresh()
    total, watch = watched(probe, leaves)
    if not total.requires_grad:
        return total, watch, None
    return total, watch, backward(total, list(leaves.values()), watch)


def check_gradient(probe: Probe) -> Iterator[Finding]:
    """A gradient that is missing, cut, zero, or not the value's own."""
    total, watch, back = gradient_of(probe)
    gradients = dict(zip(probe.leaves, back.gradients, strict=True)) if back else {}
    missing = [name for name in probe.leaves if gradients.get(name) is None]
    if len(missing) == len(probe.leaves):
        yield _cut(probe, total, watch)
        return
    flat = all(g is None or not bool(g.any()) for g in gradients.values()) and all(
        _is_flat(probe, seed) for seed in (1, 2)
    )
    if flat and back:
        yield _zero(probe, watch, back)
        return
    if missing and not all(name.startswith("parameters.") for name in missing):
        where = f" after {watch.cuts[0]}" if watch.cuts else ""
        yield Finding(
            "gradient part cut",
            "warning",
            f"no gradient reaches {', '.join(missing)}{where}",
            "that answer of the model does not learn from this loss",
            f"use it without cutting it off, or leave it out: {remedy_for(_first(watch.cuts))}",
        )
    yield from _compare_with_differences(probe, watch)


def _first(calls: list[Call]) -> Call | None:
    return calls[0] if calls else None


def _cut(probe: Probe, total: Tensor, watch: Watch) -> Finding:
    cut = _first(watch.cuts)
    if cut is None and not watch.names:
        return Finding(
            "constant",
            "broken",
            f"the value, {float(total.detach()):g}, is made without the model's answer",
            "a constant changes the number and nothing else: its gradient is 0",
            "compute it from the model's answer of this very pass",
        )
    fresh = total.is_leaf and total.requires_grad
    hidden = "; the fresh tensor with requires_grad hides it from backward()" if fresh else ""
    place = f"cut by {cut}" if cut else "computed without gradients (torch.no_grad?)"
    return Finding(
        "gradient cut",
        "broken",
        f"no gradient reaches {', '.join(probe.leaves)}: {place}{hidden}",
        "the weights never move, whatever the loss says",
        remedy_for(cut) if cut else _REMEDIES["no_grad"],
    )


def _zero(probe: Probe, watch: Watch, back: Backward) -> Finding:
    culprit = _first(watch.flat) or back.zeroed
    depends = _depends(probe)
    return Finding(
        "gradient zero" if depends else "constant",
        "broken",
        f"the gradient of {', '.join(probe.leaves)} is 0 at every point tried"
        + (f", because of {culprit}" if culprit else "")
        + ("" if depends else "; the value is the same everywhere, too"),
        "the weights never move" + ("" if depends else ": the loss is a constant"),
        remedy_for(culprit),
    )


def _redrawn(probe: Probe, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    leaves = probe.fresh()
    with torch.no_grad():
        for name, leaf in leaves.items():
            if name == probe.main and probe.layout is not None:
                leaf.copy_(probe.layout.draw_answer(generator, len(leaf)).to(leaf.dtype))
            else:
                leaf += 0.3 * torch.rand(leaf.shape, generator=generator).to(leaf.dtype)
    return leaves


def _is_flat(probe: Probe, seed: int) -> bool:
    leaves = _redrawn(probe, seed)
    total = probe.total(leaves)
    if not total.requires_grad:
        return True
    gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return all(g is None or not bool(g.any()) for g in gradients)


def _depends(probe: Probe) -> bool:
    values = {float(probe.total(_redrawn(probe, seed)).detach()) for seed in range(4)}
    return len(values) > 1


# What may cut off a part of the value without anyone meaning it.
_CUTS_A_PART = frozenset({"detach", "data", "item", "tolist", "numpy", "array", "float", "tensor"})
# The fine step crosses fewer kinks; the coarse one stands above the noise of a loss that computes
# in single precision whatever it is given.
_STEPS = (1e-6, 1e-3)
_PIECES = 200  # of the line along which the gradient is summed up


def _compare_with_differences(probe: Probe, watch: Watch) -> Iterator[Finding]:
    """The gradient along a direction against the difference of two values, in double precision."""
    double = probe.to(torch.double)
    leaves = double.fresh()
    try:
        total = double.total(leaves)
    except Exception:  # it may hold a float32 tensor of its own: see check_precision
        return
    if total.dtype != torch.double or not bool(total.isfinite()):
        return
    if float(double.total(leaves).detach()) != float(total.detach()):
        yield Finding(
            "random",
            "note",
            "two calls with the same tensors give two values",
            "the value is noisy, and can't be compared from run to run",
            "draw random numbers outside the loss, or accept the noise",
        )
        return
    gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    generator = torch.Generator().manual_seed(5)
    for name, gradient in zip(leaves, gradients, strict=True):
        direction = torch.randn(leaves[name].shape, generator=generator, dtype=torch.double)
        slope = 0.0 if gradient is None else float((gradient * direction).sum())
        differences = [
            _difference(double, leaves, name, step * direction) / step for step in _STEPS
        ]
        if all(_disagree(difference, slope) for difference in differences):
            yield _differs(name, differences[0], slope, watch)
            return
    if any(call.name in _CUTS_A_PART for call in watch.cuts):
        yield from _compare_with_integral(double, generator, watch)


def _compare_with_integral(
    probe: Probe, generator: torch.Generator, watch: Watch
) -> Iterator[Finding]:
    """Two values far apart against the gradient summed up between them.

    A part that is cut off and moves in steps, as a count does, shows in no small difference.
    """
    for name, leaf in probe.leaves.items():
        change = 2 * torch.randn(leaf.shape, generator=generator, dtype=torch.double)
        start, end = (
            float(probe.total({**probe.leaves, name: leaf + share * change}).detach())
            for share in (0, 1)
        )
        risen = 0.0
        for index in range(_PIECES):
            place = (leaf + (index + 0.5) / _PIECES * change).requires_grad_()
            total = probe.total({**probe.leaves, name: place})
            if not total.requires_grad:
                return
            (gradient,) = torch.autograd.grad(total, [place], allow_unused=True)
            risen += 0.0 if gradient is None else float((gradient * change).sum()) / _PIECES
        if _disagree(end - start, risen):
            yield _differs(name, end - start, risen, watch)
            return


def _difference(probe: Probe, leaves: dict[str, Tensor], name: str, change: Tensor) -> float:
    """By how much the value rises for a change of one answer, from both sides."""
    leaf = leaves[name].detach()
    up, down = (
        float(probe.total({**leaves, name: leaf + sign * change}).detach()) for sign in (1, -1)
    )
    return (up - down) / 2


def _disagree(difference: float, slope: float) -> bool:
    size = max(abs(difference), abs(slope))
    return size > 1e-6 and abs(difference - slope) > 1e-2 * size


def _differs(name: str, difference: float, slope: float, watch: Watch) -> Finding:
    cut = next((call for call in watch.cuts if call.name in _CUTS_A_PART), None)
    reason = f"{cut} cuts a part off" if cut else "its backward pass is another function's"
    return Finding(
        "gradient differs",
        "warning" if cut and cut.name in ("detach", "data") else "broken",
        f"along a direction in {name} the value changes by {difference:.4g}, the gradient says "
        f"{slope:.4g}: {reason}",
        "a part of the value changes the number and is not minimised",
        remedy_for(cut) if cut else "derive the backward pass anew (torch's gradcheck)",
    )


# Wrong by these much: an ordinary mistake first, then ones that are surely wrong. A probability's
# logit goes less far: at 17 it is 1 in single precision.
_WRONG_REAL, _WRONG_LOGIT, _WRONG_PROBABILITY = (
    (1.0, 30.0, 300.0),
    (2.0, 12.0, 30.0),
    (2.0, 6.0, 12.0),
)


def check_saturation(probe: Probe) -> Iterator[Finding]:
    """Surely wrong, and no gradient left to learn from it."""
    layout = probe.layout
    if layout is None or probe.main is None or layout.meaning == "positive":
        return
    target = probe.given[str(probe.target)]
    real = layout.kind in ("real", "positive")
    if layout.meaning == "probability":
        sizes = _WRONG_PROBABILITY
    else:
        sizes = _WRONG_REAL if real else _WRONG_LOGIT
    seen = [_wrong_by(probe, target, size) for size in sizes]
    (value, usual), *further = seen
    for size, (high, gradient) in zip(sizes[1:], further, strict=True):
        if high >= value > 0 and usual > 0 and gradient < 1e-4 * usual:
            yield Finding(
                "saturation",
                "warning",
                f"wrong by {size:g}{'' if real else ' in the logit'}, the loss is {high:.3g} and "
                f"its gradient {gradient:.2g} (wrong by {sizes[0]:g}: {value:.3g} and {usual:.2g})",
                "what is surely wrong is not corrected"
                + ("; outliers, if that is what they are, are ignored" if real else ""),
                "scale the targets, or begin with huber"
                if real
                else "add a term in log space, bce or cross_entropy, or begin with it",
            )
            return


def _wrong_by(probe: Probe, target: Tensor, size: float) -> tuple[float, float]:
    """The loss and the largest gradient where every answer is wrong by `size`."""
    layout = probe.layout
    assert layout is not None
    assert probe.main is not None
    if layout.kind in ("real", "positive"):
        wrong = layout.truth(target) + size * torch.where(
            torch.arange(target.numel()) % 2 > 0, 1.0, -1.0
        ).reshape(target.shape)
    else:
        wrong = layout.opposite(target, size)
    leaves = probe.fresh()
    leaves[probe.main] = wrong.clone().requires_grad_()
    total = probe.total(leaves)
    if not total.requires_grad:
        return 0.0, 0.0
    (gradient,) = torch.autograd.grad(total, [leaves[probe.main]], allow_unused=True)
    return float(total.detach()), 0.0 if gradient is None else float(gradient.abs().max())
