"""Trial: one process of `akid practice`, seen from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from akid_core.bundled.tune.lock import take_lock
from akid_core.bundled.tune.slots import Slot
from akid_core.errors import EXIT_DONE, EXIT_FAILURE

LOCK, RESULT, LOG = ".tune-lock", "result.jsonl", "practice.log"

ENDED = ("done", "stopped_early")
"""What `akid practice` says of a run that went to its end."""


class Trial:
    """A run directory, and the process that practises in it, whoever started it.

    The process inherits a locked file, so that the lock lasts exactly as long as it does, whatever becomes of the
    tuner; in the file is its number. `result.jsonl` has what `akid practice --json` printed, a line for each process,
    and `practice.log` the rest.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = time.time()
        self._over: float | None = None
        self._before = 0

    def start(self, arguments: Sequence[str], slot: Slot) -> bool:
        """Start `akid practice` in a slot; False, and nothing is started, where a process practises here already."""
        self.directory.mkdir(parents=True, exist_ok=True)
        lock = take_lock(self.directory / LOCK)
        if lock is None:
            return False
        # The process writes its number itself: whoever starts it may be killed at any instant.
        command = ["/bin/sh", "-c", 'printf %s $$ > "$0"; exec "$@"', str(self.directory / LOCK)]
        command += [sys.executable, "-m", "akid_core", "practice", *arguments]
        command += ["--run-dir", str(self.directory), "--resume", "--json"]
        try:
            os.ftruncate(lock, 0)
            with (self.directory / RESULT).open("ab") as result, (self.directory / LOG).open("ab") as log:
                if result.tell() and not (self.directory / RESULT).read_bytes().endswith(b"\n"):
                    result.write(b"\n")  # a kill tore the line before
                    result.flush()
                self._before, self._begun = result.tell(), time.time()
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=result,
                    stderr=log,
                    env=slot.environment(),
                    pass_fds=(lock,),
                    process_group=0,  # Ctrl-C is the tuner's to pass on
                )
            slot.bind(self._process.pid)
        finally:
            os.close(lock)
        return True

    def adopt(self, begun: float) -> bool:
        """Watch the process that an earlier tuner started here at `begun`; False where there is none any more."""
        self._begun, path = begun, self.directory / RESULT
        there = self.directory.exists() and self._occupied()
        if not there and path.exists():
            self._over = path.stat().st_mtime
        return there

    def poll(self) -> int | None:
        """The exit code once the process has ended; of one of an earlier tuner, as if killed where it did not say."""
        if self._process is not None:
            return self._process.poll()
        if self._occupied():
            return None
        said = self.said()
        return -signal.SIGKILL if said is None else said

    @property
    def seconds(self) -> float:
        """Since the process started; of one that an earlier tuner started and that is gone, up to its last word."""
        return max(0.0, (time.time() if self._over is None else self._over) - self._begun)

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal, if it still is there."""
        if self._process is not None:
            self._process.send_signal(number)
        elif self._occupied() and (text := (self.directory / LOCK).read_text()):
            os.kill(int(text), number)

    def said(self) -> int | None:
        """The exit code of a process that went to the end of the run here, or failed for good; else None."""
        result = self.result() or {}
        if result.get("status") in ENDED:
            return EXIT_DONE
        return EXIT_FAILURE if result.get("exit_code") == EXIT_FAILURE else None

    def result(self) -> dict[str, Any] | None:
        """What the process printed at its end; before anything is started here, what the last one printed."""
        path = self.directory / RESULT
        data = path.read_bytes()[self._before :] if path.exists() else b""
        for line in reversed(data.splitlines(keepends=True)):
            if line.endswith(b"}\n"):
                found: dict[str, Any] = json.loads(line)
                return found
        return None

    def last_words(self) -> str:
        """The last line of the log, for a process that left no result."""
        path = self.directory / LOG
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        return next((line for line in reversed(lines) if line.strip()), "")

    def _occupied(self) -> bool:
        lock = take_lock(self.directory / LOCK)
        if lock is not None:
            os.close(lock)
        return lock is None
