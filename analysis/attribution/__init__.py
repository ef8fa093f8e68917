"""Which parts of a sample an answer, or the loss, comes from: `losslab attribute`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...data.source import Batch, Source, SplitName
from ...data.spec import Spec
from ...errors import UserError
from ...training.step import EagerStep
from ..rebuild import in_use, rebuild
from ..tell import Tell, TellWhat
from .gradients import Integrated, Score, input_gradients, integrated_gradients
from .occlusion import occlusion, over_patches, patches_of, spread
from .randomised import randomised, rank_correlation
from .scores import Of, Scores, scores_of

__all__ = [
    "GRADIENT",
    "INTEGRATED",
    "OCCLUSION",
    "TIMES_INPUT",
    "Asked",
    "Attribution",
    "Integrated",
    "Of",
    "Score",
    "Scores",
    "attribute",
    "input_gradients",
    "integrated_gradients",
    "measure",
    "occlusion",
    "patches_of",
    "rank_correlation",
    "samples_of",
    "scores_of",
]

GRADIENT, TIMES_INPUT = "gradient", "gradient × input"
INTEGRATED, OCCLUSION = "integrated gradients", "occlusion"
_FOR_MEAN = 4096  # training samples, of the mean as a baseline


@dataclass(frozen=True)
class Asked:
    """What is attributed, and to which samples.

    Args:
        of: `loss`, `logit`, `probability` or `prediction`; None for the logit, or the prediction of
            numbers, or the loss of what gives neither.
        chosen: class, label or output, by name or number; see `scores_of`.
        split: whose samples.
        samples: the first so many.
        steps: of integrated gradients.
        baseline: `zero`, or the `mean` of the training samples: what an absent input is.
        checkpoint: `best` or `last`.
    """

    of: str | None = None
    chosen: str | None = None
    split: SplitName = "test"
    samples: int = 64
    steps: int = 256
    baseline: str = "zero"
    checkpoint: str = "best"

    def __post_init__(self) -> None:
        for name, choices in (
            ("split", ("train", "val", "test")),
            ("baseline", ("zero", "mean")),
            ("of", ("loss", "logit", "probability", "prediction", None)),
        ):
            if getattr(self, name) not in choices:
                listed = ", ".join(choice for choice in choices if choice)
                raise UserError(f"--{name} must be one of {listed}; got {getattr(self, name)}")
        for name in ("samples", "steps"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name} must be at least 1; got {getattr(self, name)}")


@dataclass(frozen=True)
class Attribution:
    """What was found, for each sample its own.

    Args:
        scores: what is attributed, and of which samples.
        values: of the samples, `[samples]`.
        maps: by method, `[samples, *input_shape]`.
        integrated: integrated gradients with their completeness error.
        agreement: rank correlation of occlusion with integrated gradients over the same patches.
        sanity: by method, the rank correlation of the maps' sizes with those of a model whose
            weights are shuffled; near 0 where a map tells what was learnt.
    """

    scores: Scores
    values: Tensor
    maps: Mapping[str, Tensor]
    integrated: Integrated
    agreement: float
    sanity: Mapping[str, float]

    @property
    def spec(self) -> Spec:
        """Of the data."""
        return self.scores.spec

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the input's features, where it is a row of them; else empty."""
        shape = self.spec.input_shape
        if len(shape) > 1:
            return ()
        named = len(self.spec.features) == shape[0]
        return self.spec.features if named else tuple(f"feature {i}" for i in range(shape[0]))

    def ranking(self) -> list[tuple[str, dict[str, float]]]:
        """Features and the mean size of what each method gives them, by integrated gradients."""
        sizes = {name: values.abs().mean(0).tolist() for name, values in self.maps.items()}
        rows = [
            (feature, {name: sizes[name][place] for name in sizes})
            for place, feature in enumerate(self.features)
        ]
        return sorted(rows, key=lambda row: -row[1][INTEGRATED])


def attribute(
    config: Mapping[str, Any],
    run_dir: Path | None,
    asked: Asked | None = None,
    tell: TellWhat = lambda what, done, of: None,
) -> Attribution:
    """Attribute the answers of a run, or its loss, to the inputs of some samples.

    Args:
        config: the run's configuration.
        run_dir: its directory; None for a model that is not trained.
        asked: what is attributed.
        tell: hears of the progress.

    Raises:
        UserError: whatever keeps the run from being rebuilt, or what it can't be asked.
    """
    asked = asked or Asked()
    parts, time = rebuild(config, run_dir, asked.checkpoint)
    return measure(parts.step, parts.source, asked, time, tell)


def measure(
    step: EagerStep,
    source: Source,
    asked: Asked,
    time: float = 0.0,
    tell: TellWhat = lambda what, done, of: None,
) -> Attribution:
    """By all methods, of a step whose model is left as it is; see `attribute`.

    Raises:
        UserError: what the run can't be asked.
    """
    own, spec = in_use(step, source.spec.main_output), source.spec
    for parameter in own.parameters.values():
        parameter.requires_grad_(False)  # only the inputs are asked
    device = next(iter(own.parameters.values())).device
    batch = samples_of(source, asked.split, asked.samples, device)
    of = asked.of or _usual(own, batch, spec)
    scores = scores_of(own, batch, spec, of, asked.chosen, time)
    inputs, baseline = batch["input"], _baseline(source, asked.baseline, batch["input"])
    patches = patches_of(inputs.shape[1:]).to(device)
    try:
        maps, integrated = _maps(scores, inputs, baseline, asked.steps, partial(tell, INTEGRATED))
        shuffled, few = scores.of_step(randomised(own)), asked.steps // 8 or 1
        without, _ = _maps(shuffled, inputs, baseline, few, partial(tell, "shuffled weights"))
    except ValueError as error:
        raise UserError(str(error)) from error
    hidden = occlusion(scores, inputs, baseline, patches)
    agreement = rank_correlation(hidden, over_patches(maps[INTEGRATED], patches))
    sanity = {name: rank_correlation(maps[name].abs(), without[name].abs()) for name in maps}
    with torch.no_grad():
        values = scores(inputs)
    maps = {**maps, OCCLUSION: spread(hidden, patches)}
    return Attribution(scores, values, maps, integrated, agreement, sanity)


def samples_of(source: Source, split: SplitName, samples: int, device: torch.device) -> Batch:
    """The first samples of a split.

    Raises:
        UserError: there are none, or they come from acting.
    """
    if source.spec.acts:
        raise UserError("attribute needs samples of a split, and these data come from acting")
    if not source.size(split):
        raise UserError(f"the {split} split is empty")
    batch = next(islice(source.batches(split, samples), 1))
    return {name: tensor.to(device) for name, tensor in batch.items()}


def _maps(
    scores: Score, inputs: Tensor, baseline: Tensor, steps: int, tell: Tell
) -> tuple[dict[str, Tensor], Integrated]:
    gradient = input_gradients(scores, inputs)
    integrated = integrated_gradients(scores, inputs, baseline, steps, tell)
    maps = {GRADIENT: gradient, TIMES_INPUT: gradient * inputs, INTEGRATED: integrated.values}
    return maps, integrated


def _usual(step: EagerStep, batch: Batch, spec: Spec) -> str:
    """What is attributed if nothing is said."""
    with torch.no_grad():
        answers = spec.main_output in step.outputs(batch)
    if not answers:
        return "loss"
    return "prediction" if spec.main_output == "prediction" else "logit"


def _baseline(source: Source, kind: str, inputs: Tensor) -> Tensor:
    if kind == "zero":
        return torch.zeros_like(inputs[0])
    batch = next(iter(source.batches("train", min(_FOR_MEAN, source.size("train")))))
    return batch["input"].mean(0).to(inputs.device)
