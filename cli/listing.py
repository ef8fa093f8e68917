"""`losslab list`: what each group offers, one line each, without importing any of it."""

import ast
import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from ..errors import UserError

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
    targets = [
        line.split("_target_:")[1].split("#")[0].strip() for line in lines if "_target_:" in line
    ]
    if targets and targets[0].startswith("losslab."):
        return _first_docstring_line(targets[0])
    if targets and targets[0].startswith("torch."):
        return targets[0]
    comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
    comments = [c for c in comments if c and not c.startswith("@package")]
    # Files open with their command; what they are for, where it needs saying, stands below it.
    said = [c for c in comments if not c.startswith("losslab ")]
    return (said or comments or [""])[0].replace("`", "")


def loss_options(choice: str) -> list[str]:
    """The options of a loss, by its file, without those of the term around it."""
    lines = (CONF / "loss" / f"{choice}.yaml").read_text().splitlines()
    keys = [line[2:].partition(":")[0] for line in lines if re.match(r"  \w+:", line)]
    return [key for key in keys if key not in _OF_THE_TERM]


@cache
def _definitions(folder: Path) -> dict[str, str]:
    """First docstring line of every public class and function of a package."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found[node.name] = (ast.get_docstring(node) or "").split("\n")[0]
    return found


def _first_docstring_line(target: str) -> str:
    folder, name = target.split(".")[1], target.rpartition(".")[2]
    return _definitions(ROOT / folder).get(name, "").replace("`", "")


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
    for name in [group] if group else groups():
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for choice in choices(name):
            table.add_row(f"  [bold]{choice}[/]", describe(name, choice))
        console.print(f"[bold cyan]{name}[/]=…")
        console.print(table)
    return 0
