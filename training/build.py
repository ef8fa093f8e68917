"""From configuration to objects: find what `_target_` names, check its options, call it."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import UserError

Options = Mapping[str, Any]
_loaded: dict[Path, ModuleType] | None = None  # within `files_loaded_once`


def locate(target: str) -> Any:
    """What `package.module.name`, or `path/to/file.py:name`, names.

    >>> locate("math.sqrt")(9.0)
    3.0

    Raises:
        UserError: nothing has that name; the text gives the nearest.
    """
    if ".py:" in target:
        path, _, name = target.rpartition(":")
        return _attribute(_load_file(Path(path)), name, target)
    module_name, _, name = target.rpartition(".")
    if not module_name:
        raise UserError(
            f"'{target}' names nothing: expected package.module.name or path/to/file.py:name"
        )
    return _attribute(_import(module_name, target), name, target)


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        near = get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=1)
        hint = f" Did you mean {path.parent / near[0]}?" if near else ""
        raise UserError(f"no such file: {path}.{hint}")
    if _loaded is not None and path.resolve() in _loaded:
        return _loaded[path.resolve()]
    name = f"losslab_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that what it defines can be pickled
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{path} could not be loaded: {type(error).__name__}: {error}") from error
    if _loaded is not None:
        _loaded[path.resolve()] = module
    return module


@contextmanager
def files_loaded_once() -> Iterator[None]:
    """Within it, what is built from a file is of the same classes; else each run loads it anew."""
    global _loaded
    _loaded = {}
    try:
        yield
    finally:
        _loaded = None


def _import(module_name: str, target: str) -> Any:
    """The module, or the class in it, that `module_name` names."""
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name != missing and not module_name.startswith(f"{missing}."):
            raise UserError(f"importing {module_name} failed: {error}") from error
        parent, _, name = module_name.rpartition(".")
        if missing == module_name and parent:  # a class inside a module, perhaps
            owner = _import(parent, target)
            if hasattr(owner, name):
                return getattr(owner, name)
        raise UserError(
            f"'{target}' can't be imported: there is no module {missing or module_name}. "
            "Is the package installed in this environment?"
        ) from error
    except Exception as error:  # whatever a package does while it is imported
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"importing {module_name} for '{target}' failed: {reason}") from error


def _attribute(owner: Any, name: str, target: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        public = [n for n in dir(owner) if not n.startswith("_")]
        near = get_close_matches(name, public, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(f"'{target}' names nothing: no {name} in {owner.__name__}.{hint}") from None


def instantiate(
    node: Options, where: str, supplied: Options | None = None, target: Any = None
) -> Any:
    """Call what the node's `_target_` names with the node's other keys as options.

    Args:
        node: a mapping with `_target_`; values that have a `_target_` themselves are built first,
            and where a function is asked for, text is the path of one.
        where: where the node stands in the configuration, for messages: `model`, `loss.dice`.
        supplied: values it may ask for by naming a parameter; a key of the node wins.
        target: what `_target_` names, where the caller has located it.

    Raises:
        UserError: an unknown, missing or wrongly typed option, or what the call itself refuses.
    """
    target = target if target is not None else locate(node["_target_"])
    options = build_options(node, where)
    accepted = parameters_of(target)
    for name, value in (supplied or {}).items():
        if name in accepted and name not in options:
            options[name] = value
    check_options(target, options, where, supplied=supplied or {})
    for name, hint in hints_of(target).items():
        if isinstance(options.get(name), str) and _wants_function(hint):
            options[name] = locate(options[name])
    try:
        return target(**options)
    except (ValueError, TypeError, FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"{where}: {error}") from error


def build_options(node: Options, where: str) -> dict[str, Any]:
    """The node's options, with nested nodes (a schedule as a weight) built."""
    return {
        key: instantiate(value, f"{where}.{key}")
        if isinstance(value, Mapping) and "_target_" in value
        else value
        for key, value in node.items()
        if key != "_target_"
    }


def parameters_of(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters by which `target` can be called by keyword.

    Raises:
        UserError: it has no signature to read, as some functions written in C.
    """
    try:
        signature = inspect.signature(target)
    except ValueError:
        called = getattr(target, "__name__", str(target))
        raise UserError(
            f"{called} does not tell its parameters: wrap it in a function of yours that names them"
        ) from None
    return {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def check_options(
    target: Callable[..., Any],
    options: Options,
    where: str,
    given: Collection[str] = (),
    supplied: Collection[str] = (),
) -> None:
    """Compare options with the signature of what they are for.

    Args:
        target: what will be called.
        options: what it will be called with.
        where: where the options stand in the configuration.
        given: parameters that somebody else supplies, and that are no options.
        supplied: what the data supplies, for the message about what is missing.

    Raises:
        UserError: an option it does not have, one that is missing, or a value of another type.
    """
    accepted = {name: p for name, p in parameters_of(target).items() if name not in given}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(target).parameters.values())
    called = getattr(target, "__name__", type(target).__name__)
    for name in options:
        if name not in accepted and not takes_any:
            near = get_close_matches(name, accepted, n=1)
            hint = f" Did you mean {where}.{near[0]}?" if near else ""
            has = ", ".join(accepted) or "no options"
            raise UserError(f"unknown key {where}.{name}: {called} has {has}.{hint}")
    missing = [n for n, p in accepted.items() if p.default is p.empty and n not in options]
    if missing:
        gives = f", and the data supplies only {', '.join(supplied)}" if supplied else ""
        raise UserError(
            f"{where}: {called} needs {', '.join(missing)}{gives}. "
            f"Choose what fits, or set +{where}.{missing[0]}=…"
        )
    hints = hints_of(target)
    for name, value in options.items():
        if name in hints and not fits_type(value, hints[name]):
            wanted, got = _in_words(hints[name]), type(value).__name__
            raise UserError(f"{where}.{name} must be {wanted}; got {value!r} ({got})")


def hints_of(target: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of its parameters, as types; none where they can't be evaluated."""
    function = target.__init__ if inspect.isclass(target) else target
    try:
        return get_type_hints(function)
    except (NameError, TypeError):
        return {}


def fits_type(value: Any, hint: Any) -> bool:
    """Whether a value from YAML can be what the annotation says; what is not a plain type fits.

    >>> fits_type(1, float), fits_type("abc", float), fits_type(None, int | None)
    (True, False, True)
    """
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return any(fits_type(value, part) for part in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    if hint in (None, NoneType):
        return value is None
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (bool, str):
        return isinstance(value, hint)
    if origin is not None and inspect.isclass(origin) and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    if value is None or isinstance(value, (bool, int, float)):
        # a number where a sequence or an object belongs
        return not (inspect.isclass(origin) or inspect.isclass(hint)) or hint is object
    return True


def _wants_function(hint: Any) -> bool:
    """Whether the annotation says that the value is called.

    >>> _wants_function(Callable[[int], int] | None), _wants_function(str)
    (True, False)
    """
    if get_origin(hint) in (Union, UnionType):
        return any(_wants_function(part) for part in get_args(hint))
    return Callable in (hint, get_origin(hint))


def _in_words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_in_words(part) for part in get_args(hint))
    words = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
    if hint in (None, NoneType):
        return "null"
    return words.get(hint, str(hint).replace("typing.", "").replace("collections.abc.", ""))
