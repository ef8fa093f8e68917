"""Is the truth the best answer, and is nothing cheap as good?"""

from collections.abc import Iterator

import torch

from .findings import Finding
from .probe import Probe

_SIZES = (2.0, 4.0, 8.0, 16.0)


def check_optimum(probe: Probe) -> Iterator[Finding]:
    """A wrong sign, a trivial optimum, a minimum beside the truth."""
    layout = probe.layout
    if layout is None or probe.main is None or probe.target is None:
        return
    target = probe.given[probe.target]
    scores = layout.kind not in ("real", "positive")
    sizes = _SIZES if scores else (1.0,)
    truths = {size: probe.at(layout.truth(target, size)) for size in sizes}
    best = min(truths.values())
    guess = probe.at(probe.leaves[probe.main])
    opposite = min(probe.at(layout.opposite(target, size)) for size in sizes)
    spread = max(abs(guess - best), 1e-9)
    if opposite < best - 1e-4 * spread and guess < best:
        yield Finding(
            "wrong sign",
            "broken",
            f"the truth costs {best:.4g}, an answer that is surely wrong {opposite:.4g}",
            "minimising it drives the model away from the truth",
            "minimise 1 − score (or −score) of what should grow",
        )
        return
    for words, answer in layout.constants(16.0).items():
        value = probe.at(answer.expand_as(probe.leaves[probe.main]).clone())
        if value <= best + 1e-4 * spread:
            yield Finding(
                "trivial optimum",
                "broken",
                f"answering {words} costs {value:.4g}, the truth {best:.4g}",
                "the model learns to ignore its input",
                "add what makes that answer cost: the other kind of error (F1 instead of precision "
                "or recall alone), or a floor on it as a penalty",
            )
            return
    if layout.meaning == "logits":
        value = probe.at(torch.zeros_like(probe.leaves[probe.main]))
        if value <= best + 1e-4 * spread:
            yield Finding(
                "trivial optimum",
                "warning",
                f"scores of 0 everywhere cost {value:.4g}, the truth {best:.4g}",
                "nothing asks for a margin: shrinking weights are as good as right ones",
                "ask for a margin (hinge), or start from weights that are not small",
            )
    rival = min(
        (probe.at(answer), words) for words, answer in _rivals(probe, 16.0 if scores else 1.0)
    )
    if rival[0] < best - 1e-3 * spread:
        yield Finding(
            "not minimal at the truth",
            "broken",
            f"{rival[1]} cost {rival[0]:.4g}, the truth {best:.4g}",
            "the minimum is another answer than the right one",
            "look for the term that rewards it; check signs and which argument is the target",
        )


def _rivals(probe: Probe, size: float) -> Iterator[tuple[str, torch.Tensor]]:
    """Answers that are worse than the truth."""
    layout = probe.layout
    assert layout is not None
    assert probe.main is not None
    target = probe.given[str(probe.target)]
    truth = layout.truth(target, size)
    for seed in range(3):
        generator = torch.Generator().manual_seed(100 + seed)
        yield "answers drawn at random", layout.draw_answer(generator, len(truth))
    if layout.kind in ("real", "positive"):
        yield "answers too high by 0.5", truth + 0.5
        yield "answers too high by 3", truth + 3
        if layout.meaning != "positive":
            yield "answers too low by 0.5", truth - 0.5
            yield "answers too low by 3", truth - 3
        yield "answers half as large", truth / 2
    else:
        mixed = truth.clone()
        wrong = layout.opposite(target, size)
        mixed[: len(mixed) // 2] = wrong[: len(mixed) // 2]
        yield "answers that are half wrong", mixed
