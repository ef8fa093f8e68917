"""`losslab explain`: what a loss is, asks for, estimates and does to the gradient; its curve."""

import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .loss_request import Loss, Request, load, read_requests

if TYPE_CHECKING:
    from ..analysis.axis import View
    from ..analysis.profile import Profile


def explain_command(
    words: Sequence[str],
    *,
    plot: bool = False,
    output: Path | None = None,
    axis: str | None = None,
    as_json: bool = False,
) -> int:
    """Print what is known of the losses, or draw them; the exit code."""
    sys.path.insert(0, str(Path.cwd()))
    requests = read_requests(words)
    if not requests:
        raise UserError("which loss? losslab explain LOSS; losslab list losses shows them")
    losses = [load(request) for request in requests]
    if plot or output is not None:
        from .explain_plot import default_path, draw

        path = draw(requests, losses, output or default_path(requests), axis)
        print(json.dumps({"plot": str(path)}) if as_json else f"wrote {path}")
        return 0
    from .explanation import Explanation, as_data, show

    pairs = zip(requests, losses, strict=True)
    explanations = []
    for _, group in itertools.groupby(pairs, key=lambda pair: pair[0].name):
        variants = list(group)
        explanations.append(Explanation(variants[0][1], *_tables(variants, axis)))
    if as_json:
        print(json.dumps([as_data(e) for e in explanations], indent=2, ensure_ascii=False))
    else:
        show(explanations)
    return 0


def _tables(
    variants: Sequence[tuple[Request, Loss]], axis: str | None
) -> "tuple[list[Profile], str]":
    """Values and gradients of every variant, axis by axis; or none, and why."""
    from ..analysis.profile import profile

    tables = []
    try:
        for name in [axis] if axis else _axes(variants[0][1]):
            for request, loss in variants:
                if axis and axis not in loss.views:
                    offered = ", ".join(loss.views)
                    raise UserError(
                        f"{loss.name} is not seen along {axis}: --axis may be {offered}"
                    )
                if name in loss.views and loss.function is not None:
                    tables += [
                        profile(loss.function, view, options=loss.options, name=label)
                        for view, label in labelled(loss.views[name], request)
                    ]
    except UserError as error:
        if axis or any(_spoils(request) for request, _ in variants):
            raise
        return [], str(error)
    return tables, ""


def _spoils(request: Request) -> bool:
    """Whether it is for the options asked for that the loss has no curve."""
    try:
        return bool(request.options) and bool(load(Request(request.name)).views)
    except UserError:
        return False


def _axes(loss: Loss) -> list[str]:
    """The first axis of each tensor that the loss depends on."""
    first: dict[str, str] = {}
    for view in loss.views.values():
        first.setdefault(view.varies or view.axis, view.axis)
    return list(first.values())


def labelled(view: "View", request: Request) -> "list[tuple[View, str]]":
    """The cases of a view, with what each curve is called."""
    return [(case, ", ".join(filter(None, (request.label, case.case)))) for case in view.cases]
