"""`losslab explain`: what a loss is, asks for, estimates and does to the gradient; its curve."""

import inspect
import itertools
import json
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..errors import UserError
from .docstring import Docstring, parse
from .listing import CONF, choices
from .overrides import is_function

if TYPE_CHECKING:
    from torch import Tensor

    from ..analysis.axis import View
    from ..analysis.profile import Profile
    from ..losses.names import Signature


@dataclass(frozen=True)
class Request:
    """A loss and the options to look at it with.

    Args:
        name: a file of conf/loss, `FILE.py:FUNCTION` or a dotted path.
        options: what differs from the defaults.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """As it stands in tables and plots."""
        short = self.name.rpartition(":")[2] if ".py:" in self.name else self.name
        return ", ".join([short, *(f"{k}={_shown(v)}" for k, v in self.options.items())])


@dataclass(frozen=True)
class Loss:
    """A loss that was asked for: its function, and what is written about it.

    Args:
        name: as it was asked for.
        target: the path of its function or class; empty for the file `custom`.
        doc: its docstring.
        comments: the comments at the head of its file, without the command.
        commands: the commands at the head of its file.
        names: parameters connected to other tensors.
        function: what is called; None for the file `custom`.
        signature: what it asks for.
        options: what the function is called with.
        shown: all options in force; for a class those of its constructor.
    """

    name: str
    target: str
    doc: Docstring
    comments: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    names: Mapping[str, str | None] = field(default_factory=dict)
    function: "Callable[..., Tensor] | None" = None
    signature: "Signature | None" = None
    options: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)

    def profile(self, axis: str | None, label: str) -> "Profile":
        """Values and gradients at the points of a table."""
        view = _chosen(self, axis)
        from ..analysis.profile import profile

        assert self.function is not None
        return profile(self.function, view, options=self.options, name=label)

    def views(self) -> "list[View]":
        """The axes along which it can be seen; UserError where there is none."""
        if self.function is None or self.signature is None:
            raise UserError(
                f"{self.name} stands for a function of yours: losslab explain FILE.py:FUNCTION"
            )
        from ..analysis.profile import find_views

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of inputs tried in vain
            return find_views(self.name, self.function, self.signature, self.options)


def read_requests(words: Sequence[str]) -> list[Request]:
    """The losses asked for, each with the options that follow it; commas make one of several.

    >>> read_requests(["focal", "gamma=0,5", "bce"])  # doctest: +NORMALIZE_WHITESPACE
    [Request(name='focal', options={'gamma': 0}), Request(name='focal', options={'gamma': 5}),
     Request(name='bce', options={})]

    Raises:
        UserError: an option before any loss, or one that can't be read.
    """
    asked: list[tuple[str, dict[str, list[Any]]]] = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            asked.append((word, {}))
        elif not asked:
            raise UserError(f"{word} stands before any loss: losslab explain LOSS {word}")
        else:
            asked[-1][1][key] = [_value(word, v) for v in _split(value)]
    return [
        Request(name, dict(zip(options, values, strict=True)))
        for name, options in asked
        for values in itertools.product(*options.values())
    ]


def _split(value: str) -> list[str]:
    """At commas outside brackets."""
    return re.split(r",(?![^\[{]*[\]}])", value)


def _value(word: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"can't read the value in {word}: quote it if it holds brackets") from error


def _shown(value: Any) -> str:
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def load(request: Request) -> Loss:
    """Find the loss and what is known of it.

    Raises:
        UserError: no such loss or option; the text gives the nearest.
    """
    if is_function(request.name):
        name = request.name.rpartition(":")[2].rpartition(".")[2]
        return _build(request, name, {"_target_": request.name})
    if request.name not in choices("loss"):
        raise UserError(_unknown(request.name))
    text = (CONF / "loss" / f"{request.name}.yaml").read_text()
    header = list(itertools.takewhile(lambda line: line.startswith("#"), text.splitlines()))
    lines = [line.lstrip("# ") for line in header if not line.startswith("# @")]
    commands = tuple(line for line in lines if line.startswith("losslab "))
    comments = " ".join(line for line in lines if line not in commands)
    kept = (comments.strip(),) if comments.strip() else ()
    term, node = next(iter(yaml.safe_load(text).items()))
    if node["_target_"] == "???":
        summary = "A function of yours, or of any package."
        return Loss(request.name, "", parse(summary), kept, commands)
    return _build(request, term, node, kept, commands)


def _unknown(name: str) -> str:
    offered = choices("loss")
    by_term = {term: choice for choice in offered for term in _terms(choice)}
    near = by_term.get(name) or next(iter(get_close_matches(name, offered, n=1, cutoff=0.5)), None)
    hint = f" Did you mean {near}?" if near else ""
    return f"unknown loss '{name}'.{hint} There are: {', '.join(offered)}"


def _terms(choice: str) -> list[str]:
    """The names of the terms in a file."""
    lines = (CONF / "loss" / f"{choice}.yaml").read_text().splitlines()
    return [line[:-1] for line in lines if re.fullmatch(r"\w+:", line)]


def _build(
    request: Request,
    term_name: str,
    node: Mapping[str, Any],
    comments: tuple[str, ...] = (),
    commands: tuple[str, ...] = (),
) -> Loss:
    from ..analysis.views import STAND_INS
    from ..training.assemble import build_objective
    from ..training.build import locate, parameters_of

    target = locate(node["_target_"])
    is_class = inspect.isclass(target)
    changed = dict(request.options)
    built = {**node, **changed} if is_class else node
    (term,) = build_objective({"loss": {term_name: built}}).terms
    options = dict(term.options)
    shown: dict[str, Any] = {**term.signature.options, **options}
    if is_class:
        parameters = parameters_of(target).items()
        shown = {name: parameter.default for name, parameter in parameters} | changed
    else:
        try:
            term.signature.check(term_name, changed)
        except ValueError as error:
            raise UserError(str(error)) from error
        options |= changed
        for name, value in STAND_INS.items():
            if name in term.signature.options and options.get(name) is None:
                options[name] = value
        shown |= options
    if _is_installed(target):  # the term reduces, and asks for the values
        shown = {k: v for k, v in shown.items() if k not in ("reduction", "reduce", "size_average")}
    module = getattr(target, "__module__", None) or ""
    path = f"{module}.{target.__qualname__}" if module.startswith("losslab.") else node["_target_"]
    doc = parse(inspect.getdoc(target))
    if _is_installed(target):  # in a form of its own: what can be relied on is the first paragraph
        doc = Docstring(doc.summary, (), (), {k: v for k, v in doc.sections.items() if k == "Args"})
    return Loss(
        request.name, path, doc, comments, commands, term.names, term.function, term.signature,
        options, shown,
    )  # fmt: skip


def _is_installed(target: Any) -> bool:
    module = sys.modules.get(getattr(target, "__module__", None) or "")
    file = getattr(module, "__file__", None) or "site-packages"
    return "site-packages" in file and not target.__module__.startswith("losslab.")


def _chosen(loss: Loss, axis: str | None) -> "View":
    views = loss.views()
    if axis is None:
        return views[0]
    for view in views:
        if view.axis == axis:
            return view
    offered = ", ".join(view.axis for view in views)
    raise UserError(f"{loss.name} is not seen along {axis}: --axis may be {offered}")


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

        labels = [request.label for request in requests]
        path = draw(losses, labels, output or default_path(requests), axis)
        print(json.dumps({"plot": str(path)}) if as_json else f"wrote {path}")
        return 0
    from .explanation import Explanation, as_data, show

    explanations = []
    pairs = zip(requests, losses, strict=True)
    for _, group in itertools.groupby(pairs, key=lambda pair: pair[0].name):
        variants = list(group)
        explanations.append(
            Explanation(variants[0][1], *_tables(variants, axis, must=axis is not None))
        )
    if as_json:
        print(json.dumps([as_data(e) for e in explanations], indent=2, ensure_ascii=False))
    else:
        show(explanations)
    return 0


def _tables(
    variants: Sequence[tuple[Request, Loss]], axis: str | None, *, must: bool
) -> "tuple[list[Profile], str]":
    """The table of each variant; or none, and why."""
    try:
        return [loss.profile(axis, request.label) for request, loss in variants], ""
    except UserError as error:
        if must:
            raise
        return [], str(error)
