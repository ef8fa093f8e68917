"""What people like to type, as Hydra understands it."""

import re
from pathlib import Path

from ..errors import UserError

_CONF = Path(__file__).parents[1] / "conf"
_FUNCTION = re.compile(r"^(?P<path>[^=,\[\]+]*\.py:\w+|[A-Za-z_]\w*(\.\w+)+)$")


def is_function(text: str) -> bool:
    """Whether it is the path of a function: `FILE.py:NAME` or `package.module.name`."""
    return _FUNCTION.match(text) is not None


def rewrite(arguments: list[str]) -> list[str]:
    """The command line with losslab's shorthands written out.

    >>> rewrite(["loss=dice+bce", "schedule@loss.bce.weight=linear"])
    ['loss=[dice,bce]', '+schedule@loss.bce.weight=linear']
    >>> rewrite(["loss=dice+./mine.py:my_loss", "loss.custom.gamma=2"])
    ['loss=[dice,custom]', '++loss.custom._target_="./mine.py:my_loss"', '++loss.custom.gamma=2']
    >>> rewrite(["model=monai.networks.nets.UNet"])
    ['model=custom', '++model._target_="monai.networks.nets.UNet"']

    Raises:
        UserError: two functions in one command line, or a sweep over functions.
    """
    written: list[str] = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if argument.startswith("-") or not equals:
            written.append(argument)
        elif key == "loss":
            written += _losses(value)
        elif key == "model" and _FUNCTION.match(value):
            written += ["model=custom", f'++model._target_="{value}"']
        elif key.startswith("schedule@"):
            written.append(argument if f"/{key}:" in _experiment(arguments) else f"+{argument}")
        elif key.startswith("loss.custom."):
            written.append(f"++{argument}")
        else:
            written.append(argument)
    return written


def _experiment(arguments: list[str]) -> str:
    """The text of the preset that is asked for: what it has chosen is replaced, not added."""
    folders = [_CONF]
    if "--config-dir" in arguments[:-1]:
        folders.append(Path(arguments[arguments.index("--config-dir") + 1]))
    names = [
        word.removeprefix("experiment=") for word in arguments if word.startswith("experiment=")
    ]
    paths = [folder / "experiment" / f"{name}.yaml" for folder in folders for name in names]
    return "".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


def _losses(value: str) -> list[str]:
    """`loss=VALUE`, where + joins terms and a path names a function."""
    function = re.fullmatch(r"(choice|shuffle)\((.*)\)", value)
    if function:
        first, *rest = _losses(function.group(2))
        return [f"loss={function.group(1)}({first.removeprefix('loss=')})", *rest]
    if value.count("[") != value.count("]"):
        return [f"loss={value}"]  # Hydra will say what is wrong with it
    choices, functions = [], []
    for choice in _split(value):
        terms = choice.strip("[]").split(",") if choice.startswith("[") else choice.split("+")
        for index, term in enumerate(terms):
            if _FUNCTION.match(term.strip()):
                functions.append(term.strip())
                terms[index] = "custom"
        joined = ",".join(terms)
        choices.append(f"[{joined}]" if len(terms) > 1 or choice.startswith("[") else joined)
    if len(functions) > 1 or (functions and len(choices) > 1):
        raise UserError(
            f"one function can be given on the command line; got {', '.join(functions)} in "
            f"loss={value}. For more, write a file conf/loss/NAME.yaml with its _target_ "
            "and add --config-dir conf"
        )
    written = [f"loss={','.join(choices)}"]
    return written + [f'++loss.custom._target_="{function}"' for function in functions]


def _split(value: str) -> list[str]:
    """The choices of a sweep: commas outside brackets part them."""
    return re.split(r",(?![^\[]*\])", value)
