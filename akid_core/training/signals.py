"""Ctrl-C and SIGTERM during practice: finish the span, save, stop."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from akid_core.training.result import Status


class SignalWatch:
    """Inside the `with`, the first SIGINT or SIGTERM sets `status`; a SIGINT after it raises `KeyboardInterrupt`.

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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: it was not set from Python

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.status is None:
            self.status = "interrupted" if number == signal.SIGINT else "preempted"
            if number == signal.SIGINT:  # not by `print`, which may be what is interrupted
                os.write(2, b"\nakid: ends after the steps under way, and saves; Ctrl-C again ends it at once\n")
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
