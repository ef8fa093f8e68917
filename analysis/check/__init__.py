"""The doctor: why a loss will not learn, before it is trained.

A loss is called with generated tensors, watched at work, and differentiated. It is judged as the
kind of answer and target that suits it best: what is wrong there is wrong everywhere.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from .findings import LEVELS, Finding, unsuited
from .gradients import check_gradient, check_saturation
from .numerics import check_extremes, check_precision
from .optimum import check_optimum
from .probe import Probe, first_line, probes
from .readiness import check_compile, check_cost, check_second_order, check_vmap
from .rows import check_batch, check_broadcasting, check_meaning, check_rows

__all__ = ["Finding", "Report", "check_function", "examine"]

Check = Callable[[Probe], Iterator[Finding]]
_DECISIVE: tuple[Check, ...] = (check_meaning, check_extremes, check_optimum, check_saturation)
_FURTHER: tuple[Check, ...] = (
    check_broadcasting,
    check_rows,
    check_batch,
    check_precision,
    check_second_order,
    check_vmap,
    check_compile,
    check_cost,
)


@dataclass(frozen=True)
class Report:
    """What was found about one loss.

    Args:
        name: of the loss.
        probed: the kind of answer and target that it was judged with.
        also: the other kinds that it accepts.
        findings: the worst first.
    """

    name: str
    probed: str
    also: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def broken(self) -> bool:
        """Whether it can't train as it is."""
        return any(finding.level == "broken" for finding in self.findings)


def check_function(
    function: Callable[..., Any],
    options: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    layout: str | None = None,
    seed: int = 0,
) -> Report:
    """Check a loss, ours or anyone's function of named tensors.

    Args:
        function: the loss, see `losslab.losses`; a module's `forward` counts too.
        options: its options.
        name: what it is called in the report.
        layout: the kind of answer and target; None tries all and takes what suits it best.
        seed: of the generated tensors.

    Raises:
        UserError: it can't be called with generated tensors.
    """
    found: list[tuple[Probe, list[Finding]]] = []
    for probe in probes(function, options, layout=layout, seed=seed):
        try:
            found.append((probe, _decisive(probe)))
        except Exception as error:  # a user's function may raise anything
            found.append((probe, [_fails(error)]))
    probe, findings = min(found, key=lambda pair: unsuited(pair[1], pair[0].is_ambiguous))
    words = probe.layout.words if probe.layout else "tensors by name"
    also = tuple(p.layout.name for p, _ in found if p.layout and p is not probe)
    called = name or str(getattr(function, "__name__", "loss"))
    return Report(called, words, also, tuple(_completed(probe, findings)))


def examine(probe: Probe) -> list[Finding]:
    """All that can be found about a loss on one set of arguments, the worst first."""
    return _completed(probe, _decisive(probe))


def _completed(probe: Probe, findings: list[Finding]) -> list[Finding]:
    if not any(finding.kind in _GRADIENT for finding in findings):
        for check in _FURTHER:
            findings = findings + _tried(check, probe)
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def _fails(error: Exception) -> Finding:
    return Finding(
        "fails",
        "broken",
        f"{type(error).__name__}: {first_line(error)}",
        "the training would end here",
        "see the error: it comes with some of the values that are tried, or on the way back",
    )


_GRADIENT = frozenset({"fails", "gradient cut", "constant", "gradient zero"})


def _decisive(probe: Probe) -> list[Finding]:
    findings = _tried(check_gradient, probe)
    if any(finding.kind in _GRADIENT for finding in findings):
        return findings + _tried(check_meaning, probe)
    for check in _DECISIVE:
        findings += _tried(check, probe)
    return findings


def _tried(check: Check, probe: Probe) -> list[Finding]:
    """The check's findings; random losses see the same numbers each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return list(check(probe))
