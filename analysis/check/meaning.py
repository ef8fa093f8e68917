"""What the loss takes the answer for: logits, probabilities, their logarithm."""

import math
from collections.abc import Iterator

from .findings import Finding
from .gradients import watched
from .layouts import MEANINGS
from .probe import Probe


def check_meaning(probe: Probe) -> Iterator[Finding]:
    """Logits taken as probabilities, and probabilities as logits."""
    _, watch = watched(probe, probe.fresh())
    if watch.double is not None:
        yield Finding(
            "double activation",
            "broken",
            f"{watch.double} applies a sigmoid or softmax to what is a probability already",
            "a probability is squeezed once more: the loss can't come near 0, gradients fade",
            "hand it the logits",
        )
    if watch.raw is not None:
        yield Finding(
            "logits as probabilities",
            "broken",
            f"{watch.raw} wants probabilities or their logarithm, and gets raw scores",
            "scores lie outside [0, 1]: NaN, or a loss that falls without bound",
            "use the form for logits: bce or cross_entropy, or take log_softmax first",
        )
    layout = probe.layout
    said = "probability" in MEANINGS.get(str(probe.main), ())
    if layout is not None and layout.meaning == "probability" and not said:
        yield Finding(
            "takes probabilities",
            "note",
            f"{probe.main} is right as a probability, not as a logit",
            "a model here gives logits: raw scores",
            "end the model with a sigmoid or softmax, or choose the loss's form for logits",
        )
    if layout is not None and layout.kind == "signs":
        yield Finding(
            "labels −1 and 1",
            "note",
            "it is right for targets of −1 and 1, not of 0 and 1",
            "a target of 0 would give no gradient, or a wrong one",
            "use 2 * target - 1, or a loss with labels=pm1",
        )


def check_domain(probe: Probe) -> Iterator[Finding]:
    """Whether a target that means nothing passes in silence.

    A declared domain is what preflight holds the data against, so a loss that declares one is safe.
    """
    layout, target = probe.layout, probe.target
    if layout is None or probe.main is None or target is None or target in probe.signature.domains:
        return
    if layout.kind == "indices":
        wrong, words = layout.channels, f"class {layout.channels} of {layout.channels} classes"
    elif layout.kind == "binary":
        wrong, words = 3, "a target of 3 where 0 and 1 are meant"
    else:
        return
    values = probe.given[target].clone()
    values.view(-1)[0] = wrong
    try:
        total = float(probe.total(**{target: values}).detach())
    except Exception:  # refused, as it should be
        return
    if math.isfinite(total):
        yield Finding(
            "domain",
            "note",
            f"{words} passes in silence: the loss is {total:.4g}",
            "a slip in the data is learnt like the truth",
            "declare the domain of the target (losslab.losses.domains): every training tests it",
        )
