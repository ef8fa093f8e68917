"""Which kinds of answer and target suit a loss, going by its names and by trying."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch

from ...errors import UserError
from ...losses.names import MAIN_OUTPUT, canonical, read_signature
from ...losses.watch import TAKES_LOG_PROBABILITY, Watch
from .arguments import FROM_BATCH, SCALES, Arguments, documented_shapes
from .layouts import LAYOUTS, MEANINGS, Layout, layout_called
from .probe import Probe, first_line

# Where names are all there is to go by: axes of space, answers of a `model`, and whether the target
# is shaped like the rest.
_VARIANTS: tuple[tuple[tuple[int, ...], int, bool], ...] = (
    ((), 1, False),
    ((8, 9), 1, False),
    ((), 3, False),
    ((), 1, True),
)
_ANY = ("logits", "probability", "log_probability", "distance", "real", "positive", "log")
# Names that say themselves what they are: none is the answer to compare with the target.
_KNOWN = {"mu", "logvar", "log_sigma", "log_scale", "latent", "value", "log_prob", "members"}
_KNOWN |= {"mixture_logits", "real_logits", "fake_logits", "quantiles", "parameters", "model"}
_KNOWN |= FROM_BATCH | SCALES


class WantsProbability(UserError):
    """The loss refuses the raw scores that its parameter's name speaks of."""


def probes(
    function: Callable[..., Any],
    options: Mapping[str, Any] | None = None,
    *,
    layout: str | None = None,
    seed: int = 0,
) -> list[Probe]:
    """The loss with each kind of answer and target that it accepts.

    Raises:
        UserError: it can be called with none, or not with the one that is asked for.
    """
    try:
        signature = read_signature(function)
    except ValueError as error:
        raise UserError(str(error)) from error
    options = dict(options or {})
    asked = [name for name in signature.tensors if name not in options]
    main, target = main_and_target(asked)
    paired = main is not None and target is not None
    if layout is not None and not paired:
        raise UserError(
            f"it can't be judged for a kind of target, {layout}: it asks for "
            f"{', '.join(asked) or 'nothing'}, which is no pair of answer and target"
        )
    if layout is not None:
        layouts: list[Layout | None] = [layout_called(layout)]
    else:
        layouts = list(_suitable(main)) if main is not None and paired else [None]
    shapes = documented_shapes(function)
    errors: list[str] = []
    refused: list[str] = []

    def attempt(
        candidate: Layout | None, spatial: tuple[int, ...], outputs: int, alike: bool
    ) -> Probe | None:
        generator = torch.Generator().manual_seed(seed)
        drawing = Arguments(
            signature, shapes, asked, options, candidate, spatial, outputs, alike, generator
        )
        leaves, given = drawing.draw(main, target)
        violation = drawing.violation({**given, **leaves})
        if violation:
            refused.append(violation)
            return None
        probe = Probe(function, options, signature, candidate, main, target, leaves, given)
        try:
            probe.total()
        except Exception as error:  # a user's function may raise anything
            errors.append(f"{type(error).__name__}: {first_line(error)}")
            return None
        return probe if layout is not None or _plausible(probe) else None

    for tried in (layouts, _as_many_classes(layouts, options)):
        attempts = (
            attempt(candidate, *variant)
            for candidate in tried
            for variant in ([(candidate.spatial, 1, False)] if candidate else _VARIANTS)
        )
        with torch.random.fork_rng(devices=[]):
            found = [probe for probe in attempts if probe is not None]
        if found:
            return found
    if main is not None and any("between 0 and 1" in error for error in errors):
        raise WantsProbability(next(error for error in errors if "between 0 and 1" in error))
    raise UserError(_no_probe(asked, errors or refused, signature.options))


def _as_many_classes(
    layouts: Sequence[Layout | None], options: Mapping[str, Any]
) -> list[Layout | None]:
    """With as many classes as an option that is a list speaks of, such as `counts`."""
    length = max((len(v) for v in options.values() if isinstance(v, list | tuple)), default=0)
    return [layout.with_classes(length) for layout in layouts if layout] if length > 1 else []


def _no_probe(asked: Sequence[str], errors: list[str], options: Collection[str]) -> str:
    """Why it can't be called, in the words of most attempts, or of one that names an option."""
    said = max(
        errors,
        key=lambda text: (any(o in text for o in options), errors.count(text)),
        default="no kind of answer and target suits it",
    )
    return (
        f"it can't be called with generated tensors for {', '.join(asked) or 'no names'}: {said}. "
        "Give the tensors the field's names (logits, prediction, probability, target, …), write "
        "their shapes in the docstring (`[batch, classes]`), or check it within a configuration: "
        "losslab check loss=FILE.py:FUNCTION data=… model=…"
    )


def main_and_target(asked: Sequence[str]) -> tuple[str | None, str | None]:
    """Which of the tensors is the model's answer, and which the target.

    >>> main_and_target(["y_true", "y_pred"])
    ('y_pred', 'y_true')
    >>> main_and_target(["mu", "logvar"])
    (None, None)
    """
    if "model" in asked:
        return None, None
    target = next((name for name in asked if canonical(name) == "target"), None)
    main = next((name for name in asked if name in MEANINGS or name in MAIN_OUTPUT), None)
    others = [name for name in asked if name != target and canonical(name) not in _KNOWN]
    if main is None and target is not None and "input" in asked:
        return "input", target
    if main is None and len(others) == (1 if target else 2):
        main = others[0]
        target = target or others[1]
    if target is None and main is not None and others and main in MAIN_OUTPUT:
        target = next((name for name in others if name != main), None)
    return main, target


def _suitable(main: str) -> list[Layout]:
    meanings = MEANINGS.get(main, _ANY)
    return [layout for layout in LAYOUTS if layout.meaning in meanings]


def _plausible(probe: Probe) -> bool:
    """Whether the loss treats the answer, or the labels, as this layout says.

    Log-probabilities show in the operations; a loss for labels −1 and 1 takes them as a sign of the
    score, so it is the same for both with the opposite sign.
    """
    layout = probe.layout
    if layout is None or probe.main is None or probe.target is None:
        return True
    if layout.kind == "signs" and layout.meaning == "logits":
        answer, target = probe.leaves[probe.main], probe.given[probe.target]
        opposite = probe.at(-answer, **{probe.target: -target})
        return math.isclose(opposite, probe.at(answer), rel_tol=1e-3, abs_tol=1e-6)
    if layout.meaning == "log_probability" and probe.main not in MEANINGS:
        watch = Watch(probe.leaves.values())
        with watch:
            probe.total()
        return bool(watch.names & (TAKES_LOG_PROBABILITY | {"exp"}))
    return True
