"""The doctor: why a loss will not learn, before it is trained.

A loss is called with generated tensors, watched at work, and differentiated. It is judged as the
kind of answer and target that suits it best: what is wrong there is wrong everywhere.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from .candidates import WantsProbability, probes
from .findings import LEVELS, Finding, unsuited
from .gradients import check_gradient, check_saturation
from .meaning import check_domain, check_meaning
from .numerics import check_extremes, check_precision
from .optimum import check_optimum
from .probe import Probe, first_line
from .readiness import check_compile, check_cost, check_second_order, check_vmap
from .rows import check_batch, check_broadcasting, check_pairs, check_rows

__all__ = ["Finding", "Report", "check_function", "examine"]

Check = Callable[[Probe], Iterator[Finding]]
# What the gradient is worth, once there is one; it also tells which layout suits a loss best.
_DECISIVE: tuple[Check, ...] = (
    check_meaning,
    check_pairs,
    check_extremes,
    check_optimum,
    check_saturation,
)
_FURTHER: tuple[Check, ...] = (
    check_domain,
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
    quick: bool = False,
) -> Report:
    """Check a loss, ours or anyone's function of named tensors.

    Args:
        function: the loss, see `losslab.losses`; a module's `forward` counts too.
        options: its options.
        name: what it is called in the report.
        layout: the kind of answer and target; None tries all and takes what suits it best.
        seed: of the generated tensors.
        quick: leave out what can only be a warning or a note, compiling it among others.

    Raises:
        UserError: it can't be called with generated tensors.
    """
    called = name or str(getattr(function, "__name__", type(function).__name__))
    try:
        candidates = probes(function, options, layout=layout, seed=seed)
    except WantsProbability as error:
        return Report(called, "raw scores", (), (_refuses_scores(error),))
    found: list[tuple[Probe, list[Finding]]] = []
    for candidate in candidates:
        found.append((candidate, _decisive(candidate)))
        if not any(unsuited(found[-1][1], candidate.is_ambiguous)):
            break  # no other suits it better, and the first of equals is taken
    probe, findings = min(found, key=lambda pair: unsuited(pair[1], pair[0].is_ambiguous))
    words = probe.layout.words if probe.layout else f"tensors by name: {', '.join(probe.names)}"
    also = tuple(p.layout.name for p in candidates if p.layout and p is not probe)
    return Report(called, words, also, tuple(_completed(probe, findings, quick)))


def _refuses_scores(error: WantsProbability) -> Finding:
    return Finding(
        "logits as probabilities",
        "broken",
        f"it refuses raw scores: {error}",
        "a model here gives logits, and the training ends with the first that is not in [0, 1]",
        "use the form for logits: binary_cross_entropy_with_logits, or bce; or a sigmoid first",
    )


def examine(probe: Probe) -> list[Finding]:
    """All that can be found about a loss on one set of arguments, the worst first."""
    return _completed(probe, _decisive(probe))


def _completed(probe: Probe, findings: list[Finding], quick: bool = False) -> list[Finding]:
    if not quick and not any(finding.kind in _GRADIENT for finding in findings):
        random = any(finding.kind == "random" for finding in findings)
        for check in _FURTHER:
            if random and check in (check_rows, check_batch):  # noise would look like influence
                continue
            try:
                findings = findings + _tried(check, probe)
            except Exception as error:  # a user's function may raise anything
                findings = [*findings, _unexamined(check, error)]
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def _fails(error: Exception) -> Finding:
    return Finding(
        "fails",
        "broken",
        f"{type(error).__name__}: {first_line(error)}",
        "the training would end here",
        "see the error: it comes with some of the values that are tried, or on the way back",
    )


def _unexamined(check: Check, error: Exception) -> Finding:
    return Finding(
        "not examined",
        "note",
        f"{check.__name__.removeprefix('check_')}: {type(error).__name__}: {first_line(error)}",
        "a part of the examination could not be made",
        "see the error: the loss refuses other samples, another dtype, or being called again",
    )


# Findings after which there is no gradient to examine.
_GRADIENT = frozenset({"fails", "gradient cut", "constant", "gradient zero"})


def _decisive(probe: Probe) -> list[Finding]:
    """What decides whether it can train, and which kind of answer suits it."""
    try:
        findings = _tried(check_gradient, probe)
        cut = any(finding.kind in _GRADIENT for finding in findings)
        for check in (check_meaning, check_pairs) if cut else _DECISIVE:
            findings += _tried(check, probe)
    except Exception as error:  # a user's function may raise anything
        return [_fails(error)]
    return findings


def _tried(check: Check, probe: Probe) -> list[Finding]:
    """The check's findings; random losses see the same numbers each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return list(check(probe))
