"""Pieces of error messages that the data sources share."""

from collections.abc import Iterable
from difflib import get_close_matches


def listed(items: Iterable[object], most: int = 5) -> str:
    """The first few items in words.

    >>> listed("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    words = [str(item) for item in items]
    rest = f" and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + rest


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A question that names the nearest choice, or nothing where none is near.

    >>> did_you_mean("prize", ["price", "rooms"])
    ' Did you mean price?'
    """
    nearest = get_close_matches(name, list(choices), n=1)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def counted(number: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"
