"""Second derivatives, vmap, the compiler, memory."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ...losses.watch import new_nodes
from .findings import Finding
from .probe import Probe, first_line


def check_second_order(probe: Probe) -> Iterator[Finding]:
    """Whether the gradient can be differentiated again."""
    leaves = probe.fresh()
    # What flows back depends on the factor, so that each step of the way back has a derivative, or
    # a node that stands for its lack, which only this look at the graph finds.
    factor = torch.ones((), requires_grad=True)
    total = factor * probe.total(leaves)
    lack = ""
    try:
        gradients = torch.autograd.grad(
            total, list(leaves.values()), create_graph=True, allow_unused=True
        )
        present = [g for g in gradients if g is not None and g.requires_grad]
        if any(node.name().endswith("::Error") for g in present for node in new_nodes(g.grad_fn)):
            lack = "a backward pass is marked once_differentiable"
        elif present:
            squares = torch.stack([g.square().sum() for g in present])
            torch.autograd.grad(squares.sum(), list(leaves.values()), allow_unused=True)
    except RuntimeError as error:
        lack = first_line(error)
    if lack:
        yield Finding(
            "no second derivative",
            "note",
            lack,
            "curvature and gradient penalties can't use it",
            "write it with operations that torch can differentiate twice",
        )


def check_vmap(probe: Probe) -> Iterator[Finding]:
    """Whether many runs can be trained at once."""
    leaves = {name: torch.stack([t, t]) for name, t in probe.leaves.items()}

    def total(*tensors: Tensor) -> Tensor:
        return probe.total(dict(zip(leaves, tensors, strict=True)))

    try:
        torch.func.vmap(torch.func.grad(total), randomness="different")(*leaves.values())
    except Exception as error:
        yield Finding(
            "not ready for vmap",
            "note",
            first_line(error),
            "a vectorised sweep trains it run by run",
            "avoid .item(), `if tensor:`, boolean-mask indexing and unique; use torch.where",
        )


def check_compile(probe: Probe) -> Iterator[Finding]:
    """Whether it compiles in one graph."""
    arguments = probe.arguments(probe.leaves)
    torch.compiler.reset()

    def loss(arguments: dict[str, object]) -> Tensor:
        return probe.function(**arguments, **probe.options)  # type: ignore[no-any-return]

    try:
        torch.compile(loss, fullgraph=True, backend="eager")(arguments)
    except Exception as error:
        lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
        yield Finding(
            "not ready for compile",
            "note",
            lines[0] if lines else type(error).__name__,
            "torch.compile breaks it into pieces, or fails",
            "avoid .item(), prints and branches on tensor values",
        )
    finally:
        torch.compiler.reset()


def saved_bytes(probe: Probe) -> tuple[int, int]:
    """Bytes kept for the backward pass beyond the loss's own inputs, and bytes of the answers."""
    leaves = probe.fresh()
    inputs = {t.untyped_storage().data_ptr() for t in leaves.values()}
    inputs |= {
        t.untyped_storage().data_ptr() for t in probe.given.values() if isinstance(t, Tensor)
    }
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in inputs:
            kept[storage.data_ptr()] = storage.nbytes()
        held.append(tensor)  # so that no storage is used twice
        return tensor

    held: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        probe.total(leaves)
    return sum(kept.values()), sum(t.untyped_storage().nbytes() for t in leaves.values())


def check_cost(probe: Probe) -> Iterator[Finding]:
    """What it keeps for the backward pass."""
    if probe.layout is None or len(probe.layout.answer) < 2:
        return
    kept, size = saved_bytes(probe)
    if kept > 4 * size:
        yield Finding(
            "memory",
            "note",
            f"{kept / size:.1f} × the answer's bytes are kept for the backward pass",
            "large images may not fit",
            "use fused operations, or torch.compile",
        )
