"""The curvature of a loss by the weights of a model: `losslab curvature`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ...data.source import SplitName
from ...errors import UserError
from ..rebuild import rebuild
from ..tell import TellWhat
from .gauss_newton import GaussNewton
from .hessian import Hessian
from .landscape import Landscape, landscape, losses
from .operator import Matrix, Operator, dense
from .spectrum import FLAT, MOST_EXACT, Effort, Method, Spectrum, spectrum
from .subject import TOTAL, Subject, subject_of

__all__ = [
    "FLAT",
    "GAUSS_NEWTON",
    "MOST_EXACT",
    "TOTAL",
    "Asked",
    "Curvature",
    "Effort",
    "GaussNewton",
    "Hessian",
    "Landscape",
    "Matrix",
    "Operator",
    "Spectrum",
    "Subject",
    "curvature",
    "dense",
    "measure",
    "subject_of",
]

GAUSS_NEWTON = "Gauss–Newton"


@dataclass(frozen=True)
class Asked:
    """What is to be measured, and on what.

    Args:
        split: whose samples.
        samples: at most so many, the first; None for up to 1,024, see `subject_of`.
        top: how many of the largest eigenvalues.
        method: see `spectrum`.
        double: compute in double precision.
        slice: `line` or `plane`; None for no landscape.
        effort: of the estimates.
    """

    split: SplitName = "train"
    samples: int | None = None
    top: int = 5
    method: Method = "auto"
    double: bool = False
    slice: str | None = None
    effort: Effort = field(default_factory=Effort)

    def __post_init__(self) -> None:
        for name, choices in (
            ("split", ("train", "val", "test")),
            ("method", ("auto", "exact", "estimated")),
            ("slice", ("line", "plane", None)),
        ):
            if getattr(self, name) not in choices:
                listed = ", ".join(choice for choice in choices if choice)
                raise UserError(f"--{name} must be one of {listed}; got {getattr(self, name)}")
        for name in ("samples", "top"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"--{name} must be at least 1; got {value}")


@dataclass(frozen=True)
class Curvature:
    """What was measured.

    Args:
        facts: of what: model, weights, samples, device, precision, learning rate.
        losses: the total and what each term contributes to it.
        spectra: of the Hessian of the total, of each term's contribution if there are several, and
            of the Gauss–Newton matrix of the total.
        landscape: if one was asked for.
    """

    facts: Mapping[str, Any]
    losses: Mapping[str, float]
    spectra: Mapping[str, Spectrum]
    landscape: Landscape | None

    @property
    def largest_step(self) -> float | None:
        """The learning rate above which plain gradient descent overshoots; 2 / top."""
        top = self.spectra[TOTAL].top[0]
        return 2 / top if top > 0 else None


def curvature(
    config: Mapping[str, Any],
    run_dir: Path | None = None,
    asked: Asked | None = None,
    *,
    checkpoint: str = "best",
    tell: TellWhat = lambda what, done, of: None,
) -> Curvature:
    """The curvature of a run at one of its checkpoints, or of a model before its first step.

    Args:
        config: the run's configuration.
        run_dir: its directory; None for a model that is not trained.
        asked: what to measure.
        checkpoint: `best` or `last`.
        tell: hears of the progress.

    Raises:
        UserError: whatever keeps the run from being rebuilt, or a loss that can't be derived twice.
    """
    asked = asked or Asked()
    parts, time = rebuild(config, run_dir, checkpoint)
    subject = subject_of(
        parts.step,
        parts.source,
        split=asked.split,
        samples=asked.samples,
        time=time,
        double=asked.double,
    )
    weight = next(iter(subject.weights.values()))
    facts = {
        "model": type(subject.step.model).__name__,
        "weights": subject.size,
        "samples": subject.samples,
        "split": asked.split,
        "device": str(parts.device),
        "precision": str(weight.dtype).removeprefix("torch."),
        "optimizer": type(parts.step.optimizer).__name__,
        "lr": parts.step.learning_rate,
    }
    return measure(subject, asked, facts, tell)


def measure(
    subject: Subject,
    asked: Asked,
    facts: Mapping[str, Any] | None = None,
    tell: TellWhat = lambda what, done, of: None,
) -> Curvature:
    """Spectra of the total, its terms and the Gauss–Newton matrix; and a slice of the loss.

    Raises:
        UserError: eigenvalues that did not settle, or a loss that can't be derived twice.
    """
    operators: dict[str, Callable[[], Operator]] = {
        name: partial(Hessian, subject, name) for name in subject.terms
    }
    operators[GAUSS_NEWTON] = partial(GaussNewton, subject)
    spectra = {}
    for name, make in operators.items():
        try:
            spectra[name] = spectrum(
                make(),
                top=asked.top,
                method=asked.method,
                effort=asked.effort,
                tell=partial(tell, name),
            )
        except RuntimeError as error:
            if "derivative for" not in str(error):
                raise
            raise UserError(
                f"curvature needs second derivatives, and {name} has none: "
                f"{str(error).strip().splitlines()[0]}"
            ) from error
    surface = None
    if asked.slice:
        surface = landscape(
            subject,
            plane=asked.slice == "plane",
            seed=asked.effort.seed,
            tell=partial(tell, "landscape"),
        )
    return Curvature(facts or {}, losses(subject), spectra, surface)
