"""What a model checks of its options and sizes when it is built."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches


def check_at_least(name: str, value: int, least: int) -> None:
    """Raise unless the option is large enough.

    Raises:
        ValueError: naming the option, the least it may be and what it is.
    """
    if value < least:
        raise ValueError(f"{name} must be at least {least}; got {value}")


def check_share(name: str, value: float) -> None:
    """Raise unless the option is in [0, 1).

    Raises:
        ValueError: naming the option and what it is.
    """
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be in [0, 1); got {value}")


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Raise unless the option is one of the choices.

    Raises:
        ValueError: naming the option, its choices and the nearest of them.
    """
    if value not in choices:
        nearest = get_close_matches(str(value), choices, n=1)
        hint = f" Did you mean {nearest[0]}?" if nearest else ""
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value}.{hint}")


def check_image(model: str, input_shape: Sequence[int]) -> None:
    """Raise unless one sample is an image.

    Raises:
        ValueError: naming the model and the shape it was given.
    """
    if len(input_shape) != 3:
        raise ValueError(
            f"{model} expects images (channels, height, width); got {tuple(input_shape)}. "
            "For rows of features use model=mlp"
        )
