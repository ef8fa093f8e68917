"""What the probabilities of a trained run are worth, on any split of its data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..data.source import SplitName
from ..errors import UserError
from ..training.loop import Loop
from ..training.run import Parts
from .calibration import Calibration, Tally
from .claims import Elements, elements
from .evaluate import answers, check_split
from .precision_recall import Curve, Questions
from .temperature import HIGHEST, LOWEST, Chosen


@dataclass(frozen=True)
class Examined:
    """What a run's probabilities are worth.

    Args:
        yes_or_no: whether a probability is that of a yes, or of the class answered.
        calibration: whether it comes true.
        temperature: that the validation data ask for; see `losslab.analysis.temperature`.
        cooled: the calibration with that temperature.
        no_temperature: why there is none.
        chosen_on: how many validation samples chose it.
        curves: precision against recall, all labels first; of classes, each against the rest.
    """

    yes_or_no: bool
    calibration: Calibration
    temperature: float | None
    cooled: Calibration | None
    no_temperature: str
    chosen_on: int
    curves: tuple[Curve, ...]

    @property
    def claim(self) -> str:
        """What a probability is of."""
        return "probability of yes" if self.yes_or_no else "confidence of the class answered"

    @property
    def outcome(self) -> str:
        """What it is to agree with."""
        return "share of yes" if self.yes_or_no else "share answered right"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "claim": self.claim,
            **self.calibration.as_dict(),
            "temperature": self.temperature,
            "at_temperature": None if self.cooled is None else self.cooled.as_dict(),
            "average_precision": {c.name or "all": c.average for c in self.curves},
        }


def examine(parts: Parts, loop: Loop, split: SplitName) -> Examined:
    """Measure the probabilities of a run's answers.

    Args:
        parts: of the run.
        loop: that evaluates it.
        split: where they are measured; the temperature is chosen on the validation split.

    Raises:
        UserError: the answers have no probability, or nothing in the split counts.
    """
    spec, source = parts.spec, parts.source
    given = f"the model gives {', '.join(parts.outputs)} and no logits"
    asked = f"the target is {spec.target}"
    if spec.target not in ("binary", "multilabel", "classes") or "logits" not in parts.outputs:
        raise UserError(
            "--calibration and --plot are for answers with a probability, of classes or of yes or "
            f"no: here {asked if spec.main_output in parts.outputs else given}"
        )
    check_split(parts, split)
    temperature, why_not, chosen_on = _temperature(parts, loop, split)
    tallies = [Tally(dense=spec.dense)]
    if temperature is not None:
        tallies.append(Tally(dense=spec.dense, temperature=temperature))
    questions = Questions(spec.outputs, dense=spec.dense, samples=source.size(split))
    count = 0
    for batch in _elements(parts, loop, split):
        count += len(batch.target)
        questions.add(*batch.questions())
        for tally in tallies:
            tally.add(batch)
    if not count:
        raise UserError(f"no target of the {split} split counts: all are ignored or weigh 0")
    calibration, *cooled = [tally.compute() for tally in tallies]
    return Examined(
        spec.target != "classes",
        calibration,
        temperature,
        cooled[0] if cooled else None,
        why_not,
        chosen_on,
        tuple(questions.curves(spec.labels)),
    )


def _temperature(parts: Parts, loop: Loop, split: SplitName) -> tuple[float | None, str, int]:
    """The temperature that the validation split asks for, or why there is none; of how many."""
    size = parts.source.size("val")
    if not size:
        return None, "no temperature: it is chosen on validation data; train with data.val=0.15", 0
    if split == "val":
        return None, "no temperature: it is chosen on the val split, and not judged there", 0
    chosen, count = Chosen(size), 0
    for batch in _elements(parts, loop, "val"):
        chosen.add(batch)
        count += batch.samples
    temperature = chosen.temperature()
    if temperature is not None:
        return temperature, "", count
    why = (
        f"no temperature between {LOWEST:g} and {HIGHEST:g} is best on the {count:,} validation "
        "samples: with no mistake, or no sense, in them there is nothing to choose"
    )
    return None, why, count


def _elements(parts: Parts, loop: Loop, split: SplitName) -> Iterator[Elements]:
    for logits, batch in answers(parts, loop, split):
        yield elements(parts.spec, logits, batch, parts.ignore_index)
