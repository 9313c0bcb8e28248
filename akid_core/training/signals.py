"""Ctrl-C and SIGTERM during practice: finish the span, save, stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from akid_core.training.result import Status


class SignalWatch:
    """Inside the `with`, the first SIGINT or SIGTERM sets `status`; a second SIGINT raises `KeyboardInterrupt` at once.

    Outside the main thread Python allows no handlers, and nothing is watched.
    """

    def __init__(self) -> None:
        self.status: Status | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> SignalWatch:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.status == "interrupted":
            raise KeyboardInterrupt
        self.status = "interrupted" if number == signal.SIGINT else "preempted"
