"""What a run tells while it trains; the command line draws it, Python callers may stay silent."""

from collections.abc import Mapping
from typing import Any


class Report:
    """Hears what happens in a run. This one says nothing; subclasses override what they show."""

    def header(self, facts: Mapping[str, Any]) -> None:
        """The run begins: what is trained on what."""

    def note(self, text: str) -> None:
        """Something worth knowing that is no error."""

    def progress(self, step: int, steps: int, loss: float | None) -> None:
        """`step` of `steps` batches of the whole run are done; called a few times a second."""

    def epoch(self, epoch: int, epochs: int, values: Mapping[str, float], best: bool) -> None:
        """An epoch is over: its metrics, and whether it is the best so far."""

    def summary(self, facts: Mapping[str, Any]) -> None:
        """The run is over."""
