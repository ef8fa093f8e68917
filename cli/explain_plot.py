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
from .explain import labelled
from .figures import check_folder, save_figure
from .loss_request import Loss, Request

_PLOT_POINTS = 480  # even, so that a kink at 0 falls between two points
_DPI = 220


def draw(
    requests: Sequence[Request], losses: Sequence[Loss], path: Path, axis: str | None = None
) -> Path:
    """Draw values and gradients of losses along their common axis, and say where.

    Raises:
        UserError: no common axis, or no such folder or kind of file.
    """
    check_folder(path)
    views = _common(losses, axis)
    low, high = max(v.low for v in views), min(v.high for v in views)
    points = np.linspace(low, high, _PLOT_POINTS).tolist()
    shared = _shared_label([view.label for view in views])
    profiles = [
        profile(
            loss.function, replace(case, label=shared), points, options=loss.options, name=label
        )
        for request, loss, view in zip(requests, losses, views, strict=True)
        for case, label in labelled(view, request)
        if loss.function is not None
    ]
    return save_figure(draw_profiles(profiles), path, _DPI)


def _shared_label(labels: Sequence[str]) -> str:
    """As much of the labels as is the same in all."""
    for end in (r"$", r"; ", r", | of "):
        heads = {re.split(end, label)[0] for label in labels}
        if len(heads) == 1:
            break
    return heads.pop()


def _common(losses: Sequence[Loss], axis: str | None) -> list[View]:
    """The view of each loss along the first axis that all have."""
    offered = [loss.views for loss in losses]
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
