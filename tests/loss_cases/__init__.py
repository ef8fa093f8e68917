"""One or more ways to call each loss of conf/loss, gathered from the files beside this one."""

from importlib import import_module
from pathlib import Path

from .draw import Case

CASES: dict[str, Case] = {}
for _path in sorted(Path(__file__).parent.glob("*.py")):
    if _path.stem not in ("__init__", "draw"):
        _cases: dict[str, Case] = import_module(f".{_path.stem}", __name__).CASES
        assert not CASES.keys() & _cases.keys(), f"{_path.stem} repeats a name"
        CASES |= _cases
