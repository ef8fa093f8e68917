"""Rich's tables without the blanks with which they fill their last column."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

_BLANKS = re.compile(r" +((?:\x1b\[[\d;]*m)*)$", re.MULTILINE)


@contextmanager
def trimmed(console: Console) -> Iterator[None]:
    """Within it, what the console prints ends its lines where their text does."""
    with console.capture() as captured:
        yield
    sys.stdout.write(_BLANKS.sub(r"\1", captured.get()))
