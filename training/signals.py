"""Stopping in good order when the user or the system asks for it."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Stopped(Exception):
    """The run was asked to stop by a signal, and has saved where it was."""

    def __init__(self, signal_number: int, run: str = "") -> None:
        self.signal_number = signal_number
        resume = f"; continue with losslab train --resume {run}" if run else ""
        super().__init__(f"stopped by {signal.Signals(signal_number).name}{resume}")


class StopFlag:
    """Within it, the first Ctrl-C or SIGTERM only sets `signal_number`; a second Ctrl-C interrupts.

    The loop looks at the flag between two steps, where everything can be saved. Outside the main
    thread signals can't be caught, and the flag is never set.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = number

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
