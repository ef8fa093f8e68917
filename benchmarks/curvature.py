"""A product of the Hessian with a vector, as a ratio to a gradient: `benchmarks curvature`.

The gradient is PyTorch's own, a forward and a backward pass of the bare loss. The same MLP, data,
weights and vector for all; one thread; processor time, in turn. The graph that losslab keeps is
built before, as it is once for the hundreds of products of a spectrum. "first of a block" is a
product that has to build it, and "one of a block of 8" one of 8 for which it is built, as happens
to batches beyond the memory for graphs; there the data are in two batches.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
from losslab.analysis.curvature import Hessian, Subject, subject_of
from losslab.data import Spec, TensorSource
from losslab.losses import Objective, Term, cross_entropy
from losslab.models import MLP
from losslab.training.step import EagerStep
from torch import Tensor, nn

SIZES = {
    "width 16, 64 rows": (16, 64),
    "width 64, 256 rows": (64, 256),
    "width 256, 512 rows": (256, 512),
}
REPEATS = 10
_BLOCK = 8


def measures(size: str, failed: type[Exception]) -> dict[str, Callable[[], float]]:
    """What is timed, by name; each returns seconds a call."""
    torch.set_num_threads(1)
    width, rows = SIZES[size]
    torch.manual_seed(0)
    model = MLP(in_features=20, outputs=10, width=width, depth=2)
    source = _source(rows)
    subject = subject_of(_step(model, source), source, samples=rows)
    own = list(model.parameters())
    vector = torch.randn(1, subject.size)
    kept, rebuilt = Hessian(subject), _rebuilding(subject)
    kept.products(vector)

    tensors, bare = source.splits["train"], nn.CrossEntropyLoss()

    def gradient() -> None:
        torch.autograd.grad(bare(model(tensors["input"]), tensors["target"]), own)

    block = vector.expand(_BLOCK, -1)
    timed = {
        "gradient": _timed(gradient),
        "losslab, graph kept": _timed(lambda: kept.products(vector)),
        "losslab, one of a block of 8": _timed(lambda: rebuilt.products(block), _BLOCK),
        "losslab, first of a block": _timed(lambda: rebuilt.products(vector)),
    }
    theirs = _curvlinops(model, source, vector[0], kept.products(vector)[0])
    timed["curvlinops"] = theirs or _missing(failed)
    return timed


def _rebuilding(subject: Subject) -> Hessian:
    """A Hessian that keeps nothing, as for batches beyond the memory for graphs."""
    (batch,) = subject.batches
    half = len(batch["input"]) // 2
    halves = [{n: t[:half] for n, t in batch.items()}, {n: t[half:] for n, t in batch.items()}]
    return Hessian(replace(subject, batches=halves), graph_bytes=0)


def _timed(call: Callable[[], object], calls: int = 1) -> Callable[[], float]:
    def seconds() -> float:
        call()
        begin = time.process_time()
        for _ in range(REPEATS):
            call()
        return (time.process_time() - begin) / REPEATS / calls

    return seconds


def _missing(failed: type[Exception]) -> Callable[[], float]:
    def fails() -> float:
        raise failed("curvlinops-for-pytorch is not installed")

    return fails


def _curvlinops(
    model: nn.Module, source: TensorSource, vector: Tensor, wanted: Tensor
) -> Callable[[], float] | None:
    """Curvlinops' own product, once it is seen to be the same; None if it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from curvlinops import HessianLinearOperator
        except ModuleNotFoundError:
            return None
    tensors = source.splits["train"]
    data = [(tensors["input"], tensors["target"])]
    weights = list(model.eval().parameters())
    operator = HessianLinearOperator(
        model, nn.CrossEntropyLoss(), weights, data, check_deterministic=False
    )
    torch.testing.assert_close(operator @ vector, wanted, rtol=1e-3, atol=1e-5)
    return _timed(lambda: operator @ vector)


def _source(rows: int) -> TensorSource:
    split = {"input": torch.randn(rows, 20), "target": torch.randint(10, (rows,))}
    return TensorSource(Spec((20,), "classes", 10), dict.fromkeys(("train", "val", "test"), split))


def _step(model: nn.Module, source: TensorSource) -> EagerStep:
    objective = Objective([Term("cross_entropy", cross_entropy)])
    objective.bind(("input", "target"), ("logits",), "logits")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return EagerStep(model, objective, optimizer, inputs=("input",), main_output="logits", lr=0.1)
