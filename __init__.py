"""losslab: a command-line laboratory for loss functions.

The Python face of the command line. Nothing heavy is imported until it is used:

    >>> import losslab
    >>> losslab.__version__
    '0.1.0'
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "attribute", "check", "compare", "curvature", "trace", "train"]


def __getattr__(name: str) -> Any:
    if name in ("attribute", "check", "compare", "curvature", "trace", "train"):
        from .cli import api

        return getattr(api, name)
    raise AttributeError(f"module 'losslab' has no attribute {name!r}")
