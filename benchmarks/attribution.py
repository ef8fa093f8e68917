"""Gradients of 64 samples by their inputs, over a pass of training: `benchmarks attribution`.

The pass is forward and backward of the mean loss to the weights, without an update; the same model,
samples and objective for all. One thread, in turn.
"""

import time
from collections.abc import Callable

import torch
from losslab.analysis.attribution import input_gradients, samples_of, scores_of
from losslab.analysis.rebuild import in_use, rebuild
from losslab.cli.compose import composed

SIZES = {
    "small MLP": ["data=digits", "model=mlp", "loss=cross_entropy"],
    "MLP, width 1024": ["data=digits", "model=mlp", "model.width=1024", "loss=cross_entropy"],
    "U-Net, 32 px": ["model=unet", "loss=dice+bce", "data.size=32", "data.samples=450"],
}
_SAMPLES, _WARM = 64, 3
_REPEATS = {"U-Net, 32 px": 3}


def measures(size: str) -> dict[str, Callable[[], float]]:
    """What is timed, by name; each returns seconds a call."""
    torch.set_num_threads(1)
    parts, _ = rebuild(composed([*SIZES[size], "trainer.device=cpu"]), None)
    spec = parts.spec
    own, asked = in_use(parts.step, spec.main_output), in_use(parts.step, spec.main_output)
    for parameter in asked.parameters.values():
        parameter.requires_grad_(False)
    batch = samples_of(parts.source, "test", _SAMPLES, parts.device)
    weights, repeats = list(own.parameters.values()), _REPEATS.get(size, 50)

    def training() -> None:
        torch.autograd.grad(own.compute(batch, 0.0).total, weights)

    timed = {"forward and backward": _timed(training, repeats)}
    for of in ("logit", "probability", "loss"):
        scores = scores_of(asked, batch, spec, of)
        call = lambda scores=scores: input_gradients(scores, batch["input"])  # noqa: E731
        timed[f"losslab, of the {of}"] = _timed(call, repeats)
    return timed


def _timed(call: Callable[[], object], repeats: int) -> Callable[[], float]:
    def seconds() -> float:
        for _ in range(_WARM):
            call()
        begin = time.perf_counter()
        for _ in range(repeats):
            call()
        return (time.perf_counter() - begin) / repeats

    return seconds
