"""A forward pass, watched: what every module of a model makes of what it gets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn


@dataclass
class Made:
    """A tensor of the forward pass.

    Args:
        name: by which it is shown.
        made_by: how it came about, `Linear(input)`; empty where no module is known.
        tensor: the very one in the graph.
        value: what it held at that moment.
        source: what it was made from, if that is a tensor of this pass.
        origin: the name of what it was made from; a tensor of the batch, perhaps.
        module: what made it, and its path.
    """

    name: str
    made_by: str
    tensor: Tensor
    value: Tensor
    source: "Made | None" = None
    origin: str = "…"
    module: tuple[str, nn.Module] | None = None


@dataclass
class Watched:
    """The tensors of a forward pass, in the order in which they were made.

    A module whose answer is that of its last child is left out.

    Args:
        batch: tensors that the model may get.
    """

    batch: Mapping[str, Tensor]
    made: list[Made] = field(default_factory=list)

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Within it, the model's forward pass is kept."""
        handles = []
        for path, module in model.named_modules():
            if path or not any(True for _ in module.children()):
                handles.append(module.register_forward_hook(self._keeper(path or "model")))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _keeper(self, path: str) -> Any:
        def keep(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if isinstance(output, Tensor) and not any(m.tensor is output for m in self.made):
                calls = sum(m.name.split(" ")[0] == path for m in self.made)
                name = path if not calls else f"{path} (call {calls + 1})"
                source = self._last_inside(path) or self._found(args)
                origin = source.name if source else self._named(args)
                by = f"{type(module).__name__}({origin})"
                value = output.detach().clone()
                self.made.append(Made(name, by, output, value, source, origin, (path, module)))

        return keep

    def name_outputs(self, outputs: Mapping[str, Tensor]) -> None:
        """Give the model's outputs their names; one that no module has made is added."""
        for name, output in outputs.items():
            known = next((made for made in self.made if made.tensor is output), None)
            if known is None:
                source = self._found((output,))
                self.made.append(Made(name, "", output, output.detach().clone(), source))
                continue
            for other in self.made:
                if other.source is known:
                    other.made_by = other.made_by.replace(f"({known.name})", f"({name})")
                    other.origin = name
            known.made_by = f"{known.name} = {known.made_by}"
            known.name = name

    def _last_inside(self, path: str) -> Made | None:
        """What the module's last child made, if it has children."""
        inside = [made for made in self.made if made.name.startswith(f"{path}.")]
        return inside[-1] if inside else None

    def _found(self, args: tuple[Any, ...]) -> Made | None:
        """The tensor of this pass that the module got."""
        got = [arg for arg in args if isinstance(arg, Tensor)]
        return next((m for m in reversed(self.made) for arg in got if _same(arg, m.tensor)), None)

    def _named(self, args: tuple[Any, ...]) -> str:
        """The batch's tensor that the module got, by name."""
        got = [arg for arg in args if isinstance(arg, Tensor)]
        return next((n for n, t in self.batch.items() for arg in got if _same(arg, t)), "…")


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether both are the same numbers in the same place, in whatever shape."""
    return one.data_ptr() == other.data_ptr() and one.numel() == other.numel()


def jacobian(made: Made) -> Tensor | None:
    r"""$\partial y/\partial x$ of each row, where a module without weights made $y$ from $x$.

    Of a map that acts on each number by itself only its diagonal is given, the slopes.

    Returns:
        `[batch, y, x]`, or `[batch, x]` for slopes; None where there is none or it is large.
    """
    source = made.source
    if made.module is None or source is None or not made.tensor.requires_grad:
        return None
    if any(True for _ in made.module[1].parameters(recurse=False)):
        return None
    y, x = made.tensor.flatten(1), source.tensor
    if len(x) != len(y) or not x.requires_grad or max(y.shape[1], x[0].numel()) > _MOST_NUMBERS:
        return None
    # A row depends on no other, so one pass backward gives a row of every sample's Jacobian.
    rows = [
        torch.autograd.grad(y[:, index].sum(), x, retain_graph=True)[0].flatten(1)
        for index in range(y.shape[1])
    ]
    full = torch.stack(rows, 1).detach()
    if full.shape[1] != full.shape[2]:
        return full
    slopes = full.diagonal(dim1=1, dim2=2)
    return slopes if torch.equal(torch.diag_embed(slopes), full) else full


_MOST_NUMBERS = 8
