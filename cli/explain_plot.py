"""The plot of `losslab explain --plot`: which axis the losses share, and where it is written."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..analysis.axis import View
from ..analysis.curves import draw_profiles
from ..analysis.profile import profile
from ..errors import UserError
from .explain import Loss, Request

_PLOT_POINTS = 480  # even, so that a kink at 0 falls between two points
_DPI = 220


def draw(
    losses: Sequence[Loss], labels: Sequence[str], path: Path, axis: str | None = None
) -> Path:
    """Draw values and gradients of losses along their common axis, and say where.

    Raises:
        UserError: no common axis, or no such folder or kind of file.
    """
    if not path.parent.is_dir():
        raise UserError(f"no such folder: {path.parent}")
    views = _common(losses, axis)
    low, high = max(v.low for v in views), min(v.high for v in views)
    points = np.linspace(low, high, _PLOT_POINTS).tolist()
    alike = len({view.label for view in views}) == 1
    shared = views[0].label if alike else re.split(r",| of ", views[0].label)[0]
    profiles = []
    for loss, view, label in zip(losses, views, labels, strict=True):
        assert loss.function is not None
        named = replace(view, label=shared)
        profiles.append(profile(loss.function, named, points, options=loss.options, name=label))
    figure = draw_profiles(profiles)
    kinds = figure.canvas.get_supported_filetypes()
    if path.suffix[1:] not in kinds:
        raise UserError(f"can't write {path}: its suffix must be one of {', '.join(sorted(kinds))}")
    figure.savefig(path, dpi=_DPI)
    return path


def _common(losses: Sequence[Loss], axis: str | None) -> list[View]:
    """The view of each loss along the first axis that all have."""
    offered = [{view.axis: view for view in loss.views()} for loss in losses]
    for name in [axis] if axis else offered[0]:
        if all(name in views for views in offered):
            return [views[name] for views in offered]
    each = dict(zip((loss.name for loss in losses), offered, strict=True))
    seen = "; ".join(f"{name} along {' or '.join(views)}" for name, views in each.items())
    if axis:
        raise UserError(f"not every loss is seen along {axis}: {seen}")
    raise UserError(f"these losses have no axis in common, so each needs a plot of its own: {seen}")


def default_path(requests: Sequence[Request]) -> Path:
    """`focal-bce.png`, in the current directory."""
    names = dict.fromkeys(request.label.split(",")[0] for request in requests)
    return Path("-".join(re.sub(r"\W+", "_", name) for name in names) + ".png")
