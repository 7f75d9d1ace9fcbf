"""Ctrl-C and SIGTERM as an event that the main thread waits for."""

from __future__ import annotations

import signal
import threading
from types import FrameType


def stop_on_signals(stopping: threading.Event) -> None:
    """Set the event at SIGINT or SIGTERM; a second signal ends the process at once, as the default handlers do."""

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
