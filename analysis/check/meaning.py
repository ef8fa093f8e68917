"""What the loss takes the answer for: logits, probabilities, their logarithm."""

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
