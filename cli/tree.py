"""A configuration drawn as a tree."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree


def print_tree(config: Mapping[str, Any]) -> None:
    """Print a nested mapping as a tree."""
    tree = Tree("[bold]config[/]", guide_style="dim")
    _grow(tree, config)
    Console(highlight=False, soft_wrap=True).print(tree)


def _grow(tree: Tree, node: Mapping[str, Any]) -> None:
    for key, value in node.items():
        if isinstance(value, Mapping):
            _grow(tree.add(f"[bold]{key}[/]"), value)
        else:
            shown = "null" if value is None else str(value)
            tree.add(f"{key}: [cyan]{escape(shown)}[/]")
