"""Shorten a recorded list of operations: what vmap and autograd leave behind and nobody needs.

Views that change nothing, copies and products with 1 that nobody writes to, and gradients of
weights that are computed transposed and then copied into place. For small networks each of them
costs as much as an operation that does something.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

_aten = torch.ops.aten
_VIEWS = (
    _aten.view.default,
    _aten._unsafe_view.default,
    _aten.expand.default,
    _aten.detach.default,
    _aten.alias.default,
)


def describe(node: fx.Node, value: Tensor) -> fx.Node:
    """Write down on the node what its tensor is like; `simplify` asks for it."""
    node.meta["like"] = (value.shape, value.dtype, value.device)
    node.meta["contiguous"] = value.is_contiguous()
    return node


def simplify(graph: fx.Graph, item: Callable[..., Any]) -> None:
    """Replace, in place, what can be said with less.

    Args:
        graph: of ATen operations; nodes of tensors are described.
        item: the function by which a node takes one of several results.
    """
    storage, written = _storages(graph, item)

    def is_kept(node: fx.Node) -> bool:
        """Whether its numbers stay what they are, for as long as the program runs."""
        owner = storage[node]
        return owner not in written and owner.op == "call_function"

    def replace(node: fx.Node, by: fx.Node) -> None:
        node.replace_all_uses_with(by)
        graph.erase_node(node)

    for node in list(graph.nodes):
        if node.op != "call_function" or "like" not in node.meta:
            continue
        source: Any = node.args[0] if node.args else None
        if not isinstance(source, fx.Node):
            continue
        if _is_transpose(node) and _is_transpose(source):
            replace(node, source.all_input_nodes[0])
        elif _is_transpose(node) and _may_be_swapped(source) and is_kept(source):
            replace(node, _swapped(graph, source, storage))
        elif node.meta["like"] == source.meta.get("like") and (
            node.target in _VIEWS
            or (_is_needless(node, source) and is_kept(node) and is_kept(source))
        ):
            replace(node, source)
    graph.eliminate_dead_code()


def _storages(
    graph: fx.Graph, item: Callable[..., Any]
) -> tuple[dict[fx.Node, fx.Node], set[fx.Node]]:
    """The node that owns each node's memory, and the owners whose memory is written to later."""
    owner: dict[fx.Node, fx.Node] = {}
    written = set()
    for node in graph.nodes:
        owner[node] = node
        if node.op != "call_function":
            continue
        source = node.args[0] if node.args else None
        shares = node.target is item or node.target is _aten._unsafe_view.default
        schema = getattr(node.target, "_schema", None)
        if schema is not None:
            shares = shares or any(returned.alias_info is not None for returned in schema.returns)
            for argument, value in zip(schema.arguments, node.args, strict=False):
                if argument.alias_info is not None and argument.alias_info.is_write:
                    values = value if isinstance(value, (list, tuple)) else [value]
                    written |= {owner[v] for v in values if isinstance(v, fx.Node)}
        if shares and isinstance(source, fx.Node):
            owner[node] = owner[source]
    return owner, written


def _is_transpose(node: Any) -> bool:
    """Whether it swaps the last two of three axes."""
    return (
        isinstance(node, fx.Node)
        and node.target is _aten.transpose.int
        and len(node.meta["like"][0]) == 3
        and {axis % 3 for axis in node.args[1:]} == {1, 2}  # type: ignore[operator]
    )


def _is_needless(node: fx.Node, source: fx.Node) -> bool:
    """Whether it only copies: a product with 1, or a clone of what lies in memory as asked."""
    if node.target in (_aten.mul.Scalar, _aten.mul.Tensor):
        return isinstance(node.args[1], (int, float)) and node.args[1] == 1
    if node.target is not _aten.clone.default:
        return False
    wanted = node.kwargs.get("memory_format", torch.preserve_format)
    return wanted is torch.preserve_format or (
        wanted is torch.contiguous_format and bool(source.meta["contiguous"])
    )


def _may_be_swapped(node: fx.Node) -> bool:
    """Whether it is a product that is used transposed only."""
    return node.target is _aten.bmm.default and len(node.users) == 1


def _swapped(graph: fx.Graph, product: fx.Node, storage: dict[fx.Node, fx.Node]) -> fx.Node:
    r"""$(A B)^\top = B^\top A^\top$, which needs no copy to lie in order."""
    with graph.inserting_before(product):
        factors = [_transposed(graph, factor, storage) for factor in reversed(product.args)]
        swapped = graph.call_function(_aten.bmm.default, tuple(factors))
    (batch, rows, columns), *like = product.meta["like"]
    swapped.meta |= {"like": (torch.Size([batch, columns, rows]), *like), "contiguous": True}
    storage[swapped] = swapped
    return swapped


def _transposed(graph: fx.Graph, factor: Any, storage: dict[fx.Node, fx.Node]) -> fx.Node:
    if _is_transpose(factor):
        return factor.args[0]  # type: ignore[no-any-return]
    turned = graph.call_function(_aten.transpose.int, (factor, 1, 2))
    shape, dtype, device = factor.meta["like"]
    turned.meta |= {
        "like": (torch.Size([shape[0], shape[2], shape[1]]), dtype, device),
        "contiguous": False,
    }
    storage[turned] = storage[factor]
    return turned
