"""What a run has to say to the question that it was made for.

A preset's `answer` names a function of the trained run. What it finds is printed, kept in the run's
directory, and logged as metrics `answer/…`, so that the runs of a sweep can be compared by it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..data.source import Source, SplitName
from ..errors import UserError
from ..losses.objective import Objective
from .build import build_options, check_options, locate
from .journal import Curve, read_curves
from .tracker import JOURNAL

if TYPE_CHECKING:
    from .loop import Loop

ANSWER = "answer.json"
_PREFIX = "answer/"


@dataclass(frozen=True)
class Finding:
    """One line of an answer.

    Args:
        name: short, for the metric `answer/NAME`; one that is better small is called `…_error`,
            `…_gap` or `…_loss`.
        says: what it is, in words.
        value: what was found.
        wanted: what the value should be, in words; empty if nothing is expected.
        holds: whether it is so; None if nothing is expected.
    """

    name: str
    says: str
    value: float | str
    wanted: str = ""
    holds: bool | None = None


@dataclass(frozen=True)
class Answer:
    """What a run says to its question.

    Args:
        findings: the numbers, in the order in which they are read.
        plots: pictures, in the run's directory.
        conclusion: what follows, in a sentence.
    """

    findings: tuple[Finding, ...]
    plots: tuple[Path, ...] = ()
    conclusion: str = ""

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers among the findings, by the names under which they are logged."""
        return {
            _PREFIX + finding.name: float(finding.value)
            for finding in self.findings
            if not isinstance(finding.value, str)
        }


@dataclass(frozen=True)
class Trained:
    """A run that is over, as its answer sees it.

    Args:
        config: resolved, as plain containers.
        run_dir: the run's directory; plots belong into its folder `plots`.
        model: at its best epoch.
        source: the data.
        objective: what was minimised.
        metrics: `test/…` and the best value of the monitored metric.
        loop: evaluates; the answer needs `predict`, `loss` and `history` only, as a rule.
    """

    config: Mapping[str, Any]
    run_dir: Path
    model: nn.Module
    source: Source
    objective: Objective
    metrics: Mapping[str, float]
    loop: "Loop" = field(repr=False)

    def predict(self, split: SplitName) -> dict[str, Tensor]:
        """The batch's tensors and the model's outputs for a split, by name, on the CPU.

        For as many of its batches as `trainer.max_batches` allows.
        """
        kept: dict[str, list[Tensor]] = {}
        with self.loop.step.evaluating():
            for batch in self.loop.batches(split):
                outputs, _ = self.loop.step.evaluate(batch, self.loop.end)
                for name, tensor in {**batch, **outputs}.items():
                    kept.setdefault(name, []).append(tensor.detach().cpu())
        # What has no row per sample (a regulariser's tensor) is the same in every batch.
        rows = [len(part) for part in kept["input"]]
        return {
            name: torch.cat(parts) if [len(p) if p.ndim else 0 for p in parts] == rows else parts[0]
            for name, parts in kept.items()
        }

    def loss(self, split: SplitName) -> dict[str, float]:
        """The objective, its terms and the task metrics on a split: `loss`, `terms/NAME`, `f1`."""
        return self.loop.evaluate(split)

    @cached_property
    def history(self) -> dict[str, Curve]:
        """Every metric that was logged: steps and values."""
        return read_curves(self.run_dir / JOURNAL)

    def plot_path(self, name: str) -> Path:
        """Where a plot of the answer belongs."""
        path = self.run_dir / "plots" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        return path


def ask(trained: Trained) -> Answer | None:
    """The run's answer, kept in its directory; None if its configuration asks for none.

    Raises:
        UserError: what the function returned is none.
    """
    node = trained.config.get("answer")
    if not node:
        return None
    answer = locate(node["_target_"])(trained, **build_options(node, "answer"))
    if not isinstance(answer, Answer):
        raise UserError(
            f"answer: {node['_target_']} returned a {type(answer).__name__}; expected a "
            "losslab.training.answer.Answer"
        )
    data = {**asdict(answer), "plots": [str(p.relative_to(trained.run_dir)) for p in answer.plots]}
    (trained.run_dir / ANSWER).write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    return answer


def check_answer(config: Mapping[str, Any]) -> None:
    """See before training that the question can be put.

    Raises:
        UserError: `answer` names no function, or has options that it does not take.
    """
    node = config.get("answer")
    if not node:
        return
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise UserError(f"answer names no function: expected a node with _target_; got {node!r}")
    target = locate(node["_target_"])
    first = next(iter(_names(target)), "")
    check_options(target, build_options(node, "answer"), "answer", given=(first,))


def _names(target: Any) -> Iterable[str]:
    import inspect

    return inspect.signature(target).parameters
