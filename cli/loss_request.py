"""A loss that was asked for on the command line: its name and options, and what is known of it."""

import ast
import inspect
import itertools
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
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
        stand_ins: options that must be given and were not, with what stands for them here.
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
    stand_ins: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def views(self) -> "dict[str, View]":
        """How it can be seen, by axis; UserError where there is no way."""
        if self.function is None or self.signature is None:
            raise UserError(
                f"{self.name} stands for a function of yours: losslab explain FILE.py:FUNCTION"
            )
        from ..analysis.profile import find_views

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of inputs tried in vain
            found = find_views(self.name, self.function, self.signature, self.options)
        return {view.axis: view for view in found}


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
    if request.name.endswith(".py"):
        raise UserError(f"which function of the file? {_functions_in(Path(request.name))}")
    if is_function(request.name):
        name = request.name.rpartition(":")[2].rpartition(".")[2]
        return _build(request, name, {"_target_": request.name})
    if request.name not in choices("loss"):
        raise UserError(_unknown(request.name))
    text = (CONF / "loss" / f"{request.name}.yaml").read_text()
    header = list(itertools.takewhile(lambda line: line.startswith("#"), text.splitlines()))
    lines = [line.lstrip("# ") for line in header if not line.startswith("# @")]
    commands = tuple(line for line in lines if line.startswith("losslab "))
    comments = " ".join(line for line in lines if line not in commands).strip()
    term, node = next(iter(yaml.safe_load(text).items()))
    if node["_target_"] == "???":
        summary, _, rest = comments.partition(". ")
        return Loss(request.name, "", parse(f"{summary}."), (rest,), commands)
    return _build(request, term, node, (comments,) if comments else (), commands)


def _functions_in(path: Path) -> str:
    """How to ask for each of a file's functions, or that there is no such file."""
    if not path.is_file():
        return f"There is no {path}"
    try:
        tree = ast.parse(path.read_text())
    except SyntaxError as error:
        return f"{path} can't be read: {error}"
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return ", ".join(f"{path}:{name}" for name in names) or f"{path} has none"


def _unknown(name: str) -> str:
    offered = choices("loss")
    by_term = {term: choice for choice in offered for term in _terms(choice)}
    near = [by_term[name]] if name in by_term else _alike(name, offered)
    near = near or get_close_matches(name, offered, n=1)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"unknown loss '{name}'.{hint} losslab list losses shows them all"


def _alike(name: str, offered: Sequence[str]) -> list[str]:
    """The two that share the largest part of their words with `name`.

    >>> _alike("focal_loss", ["focal", "sigmoid_focal", "mse"])
    ['focal', 'sigmoid_focal']
    """
    words = set(name.split("_"))
    shares = {o: len(words & {*o.split("_")}) / len(words | {*o.split("_")}) for o in offered}
    return sorted((o for o in offered if shares[o]), key=lambda o: -shares[o])[:2]


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
        shown |= options
    stand_ins = {
        name: value
        for name, value in STAND_INS.items()
        if name in term.signature.options and options.get(name) is None
    }
    if _is_installed(target):  # the term reduces, and asks for the values
        shown = {k: v for k, v in shown.items() if k not in ("reduction", "reduce", "size_average")}
    module = getattr(target, "__module__", None) or ""
    path = f"{module}.{target.__qualname__}" if module.startswith("losslab.") else node["_target_"]
    doc = parse(inspect.getdoc(target))
    if _is_installed(target):  # in a form of its own: what can be relied on is the first paragraph
        doc = Docstring(doc.summary, (), (), {k: v for k, v in doc.sections.items() if k == "Args"})
    return Loss(
        request.name, path, doc, comments, commands, term.names, term.function, term.signature,
        options | stand_ins, shown, stand_ins,
    )  # fmt: skip


def _is_installed(target: Any) -> bool:
    module = sys.modules.get(getattr(target, "__module__", None) or "")
    file = getattr(module, "__file__", None) or "site-packages"
    return "site-packages" in file and not target.__module__.startswith("losslab.")
