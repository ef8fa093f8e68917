"""A whole configuration: its loss terms on its own data, through its own model."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import UserError
from ...losses.watch import Watch, finite
from ...training.config import TrainerConfig
from ...training.distributed import World
from ...training.preflight import DOUBLE_ACTIVATION
from ...training.report import Report as TrainingReport
from ...training.run import Parts, prepare, typed
from . import Report, examine
from .findings import LEVELS, Finding
from .layouts import SAMPLES, Kind, Layout, Meaning
from .probe import Probe


def check_configuration(config: Mapping[str, Any]) -> list[Report]:
    """Check what `losslab train` would train: one report of the whole, one for each term.

    Args:
        config: resolved, as plain containers; see `losslab.training.config.RunConfig`.
    """
    heard = _Notes()
    try:
        parts = prepare(
            config, typed(TrainerConfig, config["trainer"]), torch.device("cpu"), World(), heard
        )
    except UserError as error:
        refused = Finding(
            "refused",
            "broken",
            str(error),
            "losslab train stops here, before the first step",
            "see the text: it says what fits",
        )
        return [Report("configuration", "the first samples", (), (refused,))]
    whole = [
        Finding("preflight", "warning", note, "training goes on all the same", "see the text")
        for note in heard.notes
        if DOUBLE_ACTIVATION not in note
    ]
    batch = _batch(parts)
    whole += _through_the_model(parts, batch)
    words = f"{len(next(iter(batch.values())))} samples of its own data"
    order = sorted(whole, key=lambda finding: LEVELS.index(finding.level))
    reports = [Report("configuration", words, (), tuple(order))]
    outputs = parts.step.outputs(batch)
    for term in parts.objective.terms:
        probe = _probe(parts, term, batch, outputs)
        reports.append(Report(f"loss.{term.name}", words, (), tuple(examine(probe))))
    return reports


class _Notes(TrainingReport):
    """Keeps what preflight found worth noting."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def _batch(parts: Parts) -> dict[str, Tensor]:
    """A few samples of the training data, of as many classes as can be had."""
    size = min(256, parts.source.size("train"))
    pool = next(iter(parts.source.batches("train", size)))
    keys = pool.get("target", next(iter(pool.values()))).float()
    keys = keys.flatten(1).mean(1) if keys.ndim > 1 else keys
    order = keys.argsort()
    places = torch.linspace(0, len(order) - 1, min(SAMPLES, len(order))).round().long()
    return {name: tensor[order[places]] for name, tensor in pool.items()}


def _through_the_model(parts: Parts, batch: dict[str, Tensor]) -> Iterator[Finding]:
    """What the model's last layers and the loss do to each other."""
    step = parts.step
    watch = Watch(step.parameters.values(), len(next(iter(batch.values()))))
    with watch, step.evaluating():
        torch.set_grad_enabled(True)
        outputs = step.outputs(batch)
        total = step.objective.forward(step.tensors(batch, outputs), 0.0).total
    if watch.double is not None:
        yield Finding(
            "double activation",
            "broken",
            f"{watch.double} applies a sigmoid or softmax to what is a probability already",
            "a probability is squeezed once more: the loss can't come near 0, gradients fade",
            "take the sigmoid or softmax off the model's end",
        )
    if watch.cuts and not total.requires_grad:
        yield Finding(
            "gradient cut",
            "broken",
            f"no gradient reaches the model: cut by {watch.cuts[0]}",
            "the weights never move",
            "compute the loss from the model's answer with differentiable operations",
        )
    if not finite([total.detach()]):
        yield Finding(
            "not finite",
            "broken",
            f"the loss is {float(total)}",
            "nothing can be learnt",
            "see the terms below",
        )


_KINDS: dict[str, Kind] = {
    "binary": "binary",
    "multilabel": "binary",
    "classes": "indices",
    "real": "real",
}


def _probe(
    parts: Parts, term: Any, batch: dict[str, Tensor], outputs: Mapping[str, Tensor]
) -> Probe:
    """The term's function with the arguments that it would get."""
    detached = {name: value.detach() for name, value in outputs.items()}
    parameters = {name: p.detach() for name, p in parts.step.parameters.items()}
    arguments, _ = term.arguments(
        {**batch, **detached, "parameters": parameters, "model": parts.step.model}
    )
    given = dict(arguments)
    leaves: dict[str, Tensor] = {}
    main = target = None
    for parameter, source in term.sources.items():
        if source == "parameters":
            del given[parameter]
            leaves |= {f"{parameter}.{name}": p for name, p in parameters.items()}
        elif source in outputs:
            leaves[parameter] = given.pop(parameter)
            if source == parts.spec.main_output:
                main = parameter
        elif source == "target":
            target = parameter
    layout = None
    if main and target:
        meaning: Meaning = "real" if parts.spec.target == "real" else "logits"
        kind = _KINDS[parts.spec.target]
        if getattr(term, "options", {}).get("labels") == "pm1":
            kind = "signs"
        layout = Layout(
            kind, "", meaning, kind, tuple(leaves[main].shape[1:]), tuple(given[target].shape[1:])
        )
    return Probe(term.function, term.options, term.signature, layout, main, target, leaves, given)
