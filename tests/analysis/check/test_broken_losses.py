"""Losses as people write them, each broken in its own way: the doctor says how, and where.

The first line of each function's docstring says what must be found: `Finds: KIND|KIND. Names:
TEXT.`, where the text stands in the evidence.
"""

import importlib.util
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from losslab.analysis.check import check_function

FOLDER = Path(__file__).parents[1] / "broken_losses"


def broken_losses() -> Iterator[Callable]:
    for path in sorted(FOLDER.glob("*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for value in vars(module).values():
            if getattr(value, "__module__", None) == path.stem:
                yield value


LOSSES = list(broken_losses())


def test_there_are_fifty():
    assert len({loss.__name__ for loss in LOSSES}) == len(LOSSES) >= 50


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_it_is_found_at_its_place(loss):
    expected = re.match(r"Finds: ([^.]+)\.(?: Names: (.+)\.)?$", loss.__doc__.splitlines()[0])
    kinds, named = expected.group(1).split("|"), expected.group(2)
    report = check_function(loss)
    seen = [f"{finding.kind}: {finding.evidence}" for finding in report.findings]
    found = [finding for finding in report.findings if finding.kind in kinds]
    assert found, seen
    assert all(finding.why and finding.remedy for finding in report.findings)
    if named:
        evidence = next((f.evidence for f in found if named in f.evidence), "")
        assert evidence, seen
        lines, first = inspect.getsourcelines(loss)
        place = re.search(rf"{loss.__module__}\.py:(\d+): (.*)", evidence)
        assert place.group(2).startswith(lines[int(place.group(1)) - first].strip())
