"""`losslab trace`: a tiny run, number by number."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .figures import check_folder, save_figure

if TYPE_CHECKING:
    from torch import Tensor

    from ..analysis.trace import Trace


@dataclass(frozen=True)
class Variant:
    """A run that was asked for, and its trace.

    Args:
        words: what it was asked for by; of one beside the first, only what it changes.
        config: resolved.
        trace: see `losslab.analysis.trace`.
    """

    words: str
    config: Mapping[str, Any]
    trace: "Trace"


def trace_command(
    words: Sequence[str],
    *,
    steps: int | None = None,
    beside: Sequence[str] | None = None,
    plot: bool = False,
    output: Path | None = None,
    as_json: bool = False,
) -> int:
    """Print the traces, or draw them; the exit code."""
    sys.path.insert(0, str(Path.cwd()))
    if output is not None:
        check_folder(output)
    variants = traced(words, steps, beside)
    names = labels(variants)
    drawn = _drawn(variants, names, output or Path("trace.png")) if plot or output else None
    if as_json:
        data = {"traces": [_as_data(n, v) for n, v in zip(names, variants, strict=True)]}
        print(json.dumps(data | ({"plot": str(drawn)} if drawn else {}), ensure_ascii=False))
        return 0
    from .trace_table import show

    show([variant.trace for variant in variants], names)
    if drawn:
        print(f"wrote {drawn}")
    return 0


def traced(
    words: Sequence[str], steps: int | None = None, beside: Sequence[str] | None = None
) -> list[Variant]:
    """The run that the words ask for, and those beside it.

    Args:
        words: as for `losslab train`.
        steps: updates; None for as many as the configuration says.
        beside: further overrides, each in one text; None for those of the configuration.

    Raises:
        UserError: a mistake in the words, or too many numbers to be read.
    """
    if not words:
        raise UserError("trace what? losslab trace experiment=two_layer_step, or loss=… model=…")
    from ..analysis.trace import trace
    from .compose import composed

    first = composed(words)
    preset = first["trace"]
    steps = preset["steps"] if steps is None else steps
    variants = [Variant(" ".join(words), first, trace(first, steps))]
    for more in preset["beside"] if beside is None else beside:
        config = composed([*words, *_split(more)])
        variants.append(Variant(more, config, trace(config, steps)))
    return variants


def _split(text: str) -> list[str]:
    """The overrides in one text, as a shell would part them."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UserError(f'can\'t read --beside "{text}": {error}') from error


def labels(variants: Sequence[Variant]) -> list[str]:
    """What tells the variants apart, as short as may be."""
    facts = [variant.trace.facts for variant in variants]
    differ = [key for key in facts[0] if len({fact[key] for fact in facts}) > 1]
    for count in range(1, len(differ) + 1):
        told = [", ".join(_fact(f, key) for key in differ[:count] if f[key]) for f in facts]
        if len(set(told)) == len(variants):
            return told
    return [" ".join(variant.words.split()) for variant in variants]


def _fact(facts: Mapping[str, str], key: str) -> str:
    return f"lr {facts[key]}" if key == "lr" else facts[key]


def _drawn(variants: Sequence[Variant], names: Sequence[str], path: Path) -> Path:
    """Draw the paths of the runs, and say where."""
    from ..analysis.trace.picture import Path as Way
    from ..analysis.trace.picture import draw

    ways = [Way(n, v.trace, v.config) for n, v in zip(names, variants, strict=True)]
    return save_figure(draw(ways), path, dpi=160)


def _as_data(name: str, variant: Variant) -> dict[str, Any]:
    """The whole trace, as lists of numbers."""
    trace = variant.trace
    return {
        "label": name,
        "words": variant.words,
        "facts": dict(trace.facts),
        "batch": _lists(trace.batch),
        "values": [
            {
                "name": value.name,
                "made_by": value.made_by,
                "value": value.value.tolist(),
                "gradient": None if value.gradient is None else value.gradient.tolist(),
                "formula": value.formula,
                "source": value.source,
                "jacobian": None if value.jacobian is None else value.jacobian.tolist(),
            }
            for value in trace.values
        ],
        "terms": [
            {
                "name": term.name,
                "values": term.values.tolist(),
                "value": term.value,
                "weight": term.weight,
                "gradients": _lists(term.gradients),
            }
            for term in trace.terms
        ],
        "formulas": dict(trace.formulas),
        "rule": trace.rule,
        "steps": [
            {
                "step": step,
                "loss": point.loss,
                "gradient_norm": point.gradient_norm,
                "weights": _lists(point.weights),
                "gradients": _lists(point.gradients),
            }
            for step, point in enumerate(trace.points)
        ],
    }


def _lists(tensors: "Mapping[str, Tensor]") -> dict[str, Any]:
    return {name: tensor.tolist() for name, tensor in tensors.items()}
