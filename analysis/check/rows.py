"""What one sample does to another: broadcasting, coupling, batch size, an absent class."""

from collections.abc import Iterator

import torch

from .findings import Finding
from .gradients import watched
from .probe import Probe


def check_pairs(probe: Probe) -> Iterator[Finding]:
    """Whether the loss pairs every sample with every other, by broadcasting."""
    _, watch = watched(probe, probe.fresh())
    if watch.crossed is not None:
        yield Finding(
            "broadcasting",
            "broken",
            f"{watch.crossed} pairs every sample with every other: (n, 1) against (n,) is n × n",
            "each answer is pulled to all targets, that is to their mean",
            "give both the same shape: target.unsqueeze(1), or answer.squeeze(1)",
        )


def check_broadcasting(probe: Probe) -> Iterator[Finding]:
    """Whether `(n, 1)` against `(n,)` passes in silence."""
    if probe.layout is None or probe.main is None or probe.target is None:
        return
    answer, target = probe.leaves[probe.main], probe.given[probe.target]
    if probe.layout.kind == "indices" or answer.ndim > 2 or set(probe.leaves) != {probe.main}:
        return
    first = answer.reshape(len(answer), -1)[:, :1]
    aligned = target.reshape(len(target), -1)[:, :1]
    try:
        right = float(probe.with_answer(first, **{probe.target: aligned}).total())
        wrong = float(probe.with_answer(first, **{probe.target: aligned.squeeze(1)}).total())
    except Exception:  # refused, as it should be
        return
    if abs(right - wrong) > 1e-6 * max(1.0, abs(right)):
        yield Finding(
            "silent broadcasting",
            "note",
            f"answers (n, 1) against targets (n,) give {wrong:.4g} instead of {right:.4g}",
            "a forgotten axis makes n × n pairs, and every answer learns the mean",
            "compare the shapes at the top, and raise",
        )


def check_rows(probe: Probe) -> Iterator[Finding]:
    """Whether a sample's value, or gradient, depends on the other samples."""
    if probe.samples < 3 or probe.layout is None or probe.main is None or probe.target is None:
        return
    keep = torch.arange(probe.samples)
    others = keep.clone()
    others[1:] = keep[1:].roll(1)
    values, mixed = probe.values(), probe.rows(others)
    swapped = mixed.with_answer(
        torch.cat([probe.leaves[probe.main][:1], mixed.leaves[probe.main][1:] * 0.5])
    )
    per_row = values.ndim > 0 and len(values) == probe.samples
    if per_row:
        here, there = values[0], swapped.values()[0]
    else:
        here, there = _row_gradient(probe), _row_gradient(swapped)
    scale = float(here.abs().max().clamp(min=1e-6))
    difference = float((here - there).abs().max()) / scale
    if difference > 1e-3:
        yield Finding(
            "rows influence each other",
            "warning" if per_row else "note",
            f"the first sample's {'value' if per_row else 'gradient'} changes by "
            f"{100 * difference:.3g} % when only the others change",
            "the result depends on who shares a batch: on its size and order",
            "if that is not meant, sum over the sample's own axes only",
        )


def _row_gradient(probe: Probe) -> torch.Tensor:
    leaves = probe.fresh()
    assert probe.main is not None
    (gradient,) = torch.autograd.grad(probe.total(leaves), [leaves[probe.main]])
    return gradient[0].detach()


def check_batch(probe: Probe) -> Iterator[Finding]:
    """Whether the same samples twice are worth the same, and a right answer stays right."""
    if probe.samples < 2 or probe.layout is None:
        return
    once = float(probe.total().detach())
    twice = float(probe.rows(torch.arange(probe.samples).repeat(2)).total().detach())
    if abs(twice - 2 * once) < 1e-4 * abs(twice) and abs(once) > 1e-6:
        yield Finding(
            "sums over the batch",
            "note",
            f"the same batch twice is worth twice as much: {once:.4g}, {twice:.4g}",
            "the step size grows with the batch size",
            "return one value per sample, and let the term average them",
        )
    elif abs(twice - once) > 1e-3 * max(abs(once), 1e-6):
        yield Finding(
            "depends on the batch size",
            "note",
            f"the same batch twice is worth {twice:.4g} instead of {once:.4g}",
            "values of batches of different sizes can't be compared",
            "divide by what was summed, if that is not meant",
        )
    yield from _absent_class(probe)


def _absent_class(probe: Probe) -> Iterator[Finding]:
    layout = probe.layout
    assert layout is not None
    if layout.kind != "indices" or probe.main is None or probe.target is None:
        return
    target = probe.given[probe.target]
    fewer = torch.where(target == layout.channels - 1, 0, target)
    whole = probe.at(layout.truth(target, 16.0))
    part = probe.at(layout.truth(fewer, 16.0), **{probe.target: fewer})
    spread = abs(probe.at(probe.leaves[probe.main]) - whole)
    if abs(part - whole) > 0.05 * max(spread, 1e-6):
        yield Finding(
            "class absence",
            "warning",
            f"a right answer costs {whole:.3g}, and {part:.3g} once a class is absent",
            "batches are judged by which classes happen to be in them",
            "leave absent classes out of the mean",
        )
