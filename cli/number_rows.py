"""Values and gradients of a loss as rows of numbers."""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

if TYPE_CHECKING:
    from ..analysis.profile import Profile


def numbers(tables: "Sequence[Profile]") -> Iterator[RenderableType]:
    """Values and gradients along each axis, line by line.

    Args:
        tables: in the order of their axes.
    """
    groups = itertools.groupby(tables, key=lambda profile: profile.view.axis)
    for index, (axis, group) in enumerate(groups):
        profiles = list(group)
        variants = [_variant(profile) for profile in profiles]
        rows = [(axis, profiles[0].x)]
        for profile in profiles:
            rows += [("loss", profile.value), ("gradient", profile.gradient)]
        head, *lines = _columns(rows)
        yield from [""] if index else []
        yield Text(head, style="bold")
        for number, (profile, variant) in enumerate(zip(profiles, variants, strict=True)):
            which = [variant] if len(set(variants)) > 1 else []
            which += [profile.view.case] if profile.view.case else []
            if which:
                yield Text(", ".join(which), style="magenta")
            yield from map(Text, lines[2 * number : 2 * number + 2])
        yield Text(profiles[0].view.label, style="dim")


def _columns(rows: Sequence[tuple[str, Sequence[float]]]) -> list[str]:
    """Rows of numbers, set below each other."""
    cells = [[figure(value) for value in _without_noise(values)] for _, values in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    first = max(len(name) for name, _ in rows)
    return [
        "  ".join([f"{name:<{first}}", *(f"{c:>{w}}" for c, w in zip(row, widths, strict=True))])
        for (name, _), row in zip(rows, cells, strict=True)
    ]


def _variant(profile: "Profile") -> str:
    """The options by which it differs from others of the same loss."""
    label = profile.name.removesuffix(f", {profile.view.case}")
    return label.partition(", ")[2] or label


def _without_noise(values: Sequence[float]) -> list[float]:
    """What is 0 but for rounding is 0."""
    largest = max(map(abs, filter(math.isfinite, values)), default=0.0)
    return [0.0 if abs(value) < 1e-13 * largest else value for value in values]


def figure(value: float) -> str:
    """Three digits in at most six columns.

    >>> figure(-0.0), figure(0.31326), figure(5.87e-6), figure(-1234.5), figure(4e7)
    ('0', '0.313', '6e-6', '−1234', '4e7')
    """
    size = abs(value)
    if not math.isfinite(value):
        text = "∞" if size == math.inf else "nan"
    elif size != 0 and not 1e-3 <= size < 99999.5:
        text = re.sub(r"e([+-])0*", lambda m: "e" + m.group(1).strip("+"), f"{size:.0e}")
    else:
        text = f"{size:.{2 if size < 0.1 else 3}g}" if size < 999.5 else f"{size:.0f}"
    return f"−{text}" if value < 0 and size else text
