"""What hears how far a long measurement is."""

from collections.abc import Callable

Tell = Callable[[int, int], None]
"""How many are done, of how many; how many it takes is not always known before."""

TellWhat = Callable[[str, int, int], None]
"""What is being done, how many of it are done, of how many."""
