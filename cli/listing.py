"""`losslab list`: what each group offers, one line each, without importing any of it."""

import ast
import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from ..errors import UserError
from .trimmed import trimmed

ROOT = Path(__file__).parent.parent
CONF = ROOT / "conf"
_PLURALS = {
    "losses": "loss",
    "models": "model",
    "schedules": "schedule",
    "optimizers": "optimizer",
    "experiments": "experiment",
    "trainers": "trainer",
}

_FAMILIES = {
    "classes and labels": "classification focal poly1 margin imbalance noise cost soft_counts",
    "masks": "dice tversky lovasz mcc boundary cl_dice",
    "real-valued answers": "regression robust quantile relative deviance similarity",
    "distributions": "likelihood mixture evidential crps divergence",
    "latents and adversaries": "reconstruction latent adversarial",
    "policies": "a2c_actor a2c_critic entropy policy ppo",
    "penalties": "regularisers penalties sensitivity",
}
"""What losses are for: their modules, or single files. What stands nowhere is shown at the end."""

_ONE_LINE = 1000  # columns, where nobody looks
_OF_THE_TERM = (
    *("_target_", "weight", "reduce", "normalize", "names"),
    *("ignore_index", "class_weight"),
)


def groups() -> list[str]:
    """The names of the configuration groups."""
    return sorted(
        path.name for path in CONF.iterdir() if path.is_dir() and any(path.glob("*.yaml"))
    )


def choices(group: str) -> list[str]:
    """The names of a group's files."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def describe(group: str, choice: str) -> str:
    """One line: the docstring of what the file's `_target_` names, or else its header comment."""
    lines = (CONF / group / f"{choice}.yaml").read_text().splitlines()
    target = _target(group, choice)
    comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
    comments = [c for c in comments if c and not c.startswith("@package")]
    # Files open with their command; what they are for, where it needs saying, stands below it.
    said = " ".join(c for c in comments if not c.startswith("losslab "))
    # A file that isn't called after its function is one use of it, which its comment tells.
    named_after = target.rpartition(".")[2] == choice
    if group == "experiment":  # its `_target_` is what answers its question
        return re.split(r"(?<=[.?]) ", said)[0].replace("`", "")
    if target.startswith("losslab.") and (named_after or group != "loss" or not said):
        return _definitions(ROOT / target.split(".")[1])[target.rpartition(".")[2]].summary
    if target.startswith("torch."):
        return target
    return re.split(r"(?<=[.?]) ", said or "".join(comments[:1]))[0].replace("`", "")


def _target(group: str, choice: str) -> str:
    """What a file's first `_target_` names; nothing where it has none."""
    text = (CONF / group / f"{choice}.yaml").read_text()
    found = re.search(r"_target_:\s*([^\s#]+)", text)
    return found.group(1) if found else ""


def loss_options(choice: str) -> list[str]:
    """The options of a loss, by its file, without those of the term around it."""
    lines = (CONF / "loss" / f"{choice}.yaml").read_text().splitlines()
    keys = [line[2:].partition(":")[0] for line in lines if re.match(r"  \w+:", line)]
    return [key for key in keys if key not in _OF_THE_TERM]


@dataclass(frozen=True)
class Definition:
    """A class or function: its module, its place there, and the first line of its docstring."""

    module: str
    line: int
    summary: str


@cache
def _definitions(folder: Path) -> dict[str, Definition]:
    """Every public class and function of a package, and of those in it."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                summary = (ast.get_docstring(node) or "").split("\n")[0].replace("`", "")
                found[node.name] = Definition(path.stem, node.lineno, summary)
    return found


def families() -> dict[str, list[str]]:
    """The losses by what they are for, in the order in which the modules define them.

    >>> families()["masks"][:2]
    ['dice', 'generalized_dice']
    """
    definitions = _definitions(ROOT / "losses")
    places = [(family, name) for family, names in _FAMILIES.items() for name in names.split()]
    order = {name: index for index, (_, name) in enumerate(places)}
    family_of = {name: family for family, name in places}

    def place(choice: str) -> tuple[str, int, int]:
        definition = definitions.get(_target("loss", choice).rpartition(".")[2])
        module = definition.module if definition else ""
        key = module if module in order and choice not in order else choice
        line = definition.line if definition else 0
        return family_of.get(key, "others"), order.get(key, len(order)), line

    found: dict[str, list[str]] = {}
    for choice in sorted(choices("loss"), key=lambda choice: place(choice)[1:]):
        found.setdefault(place(choice)[0], []).append(choice)
    return found


def list_command(group: str | None) -> int:
    """Print the choices of one group, or of all."""
    from rich.console import Console
    from rich.table import Table

    if group is not None:
        group = _PLURALS.get(group, group)
        if group not in groups():
            near = get_close_matches(group, [*groups(), *_PLURALS], n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UserError(f"unknown group '{group}'.{hint} There are: {', '.join(groups())}")
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _ONE_LINE  # for grep and such
    with trimmed(console):
        for name in [group] if group else groups():
            console.print(f"[bold cyan]{name}[/]=…")
            for family, members in (families() if name == "loss" else {"": choices(name)}).items():
                if family:
                    console.print(f"\n  [cyan]{family}[/]")
                table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
                for choice in members:
                    table.add_row(f"  [bold]{choice}[/]", describe(name, choice))
                console.print(table)
    return 0
