"""TensorBoard scalars, written without TensorFlow.

The event files are made of TensorBoard's own protocol buffers and record writer. Its ready-made writer
(`EventFileWriter`) is avoided: it goes through `tensorboard.compat.tf`, which imports TensorFlow where it is installed.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from akid_core.errors import AkidError, ConfigurationError
from akid_core.observers.base import Observer
from akid_core.observers.moment import Moment
from akid_core.plugin_api import hookimpl

FOLDER = "tensorboard"


@dataclass(frozen=True, kw_only=True)
class Tensorboard(Observer):
    """Writes every number that is measured to `tensorboard/` in the run directory; see `tensorboard --logdir RUN_DIR`.

    After a resume the points from before the interruption that lie behind the loaded checkpoint no longer count, and
    no point is there twice. Each point is in the operating system's hands at once: a kill loses none.
    """

    @cached_property
    def _log(self) -> _EventLog:
        return _EventLog()

    @hookimpl
    def akid_practice_begin(self, context: Moment) -> None:
        if context.run_dir is None:
            raise ConfigurationError(
                "The observer tensorboard writes into the run directory, but this run has none. "
                "Give one (`--run-dir`, `practice(run_dir=...)`), or leave the observer out."
            )
        self._log.open(context.run_dir / FOLDER, context.step)

    @hookimpl
    def akid_span_end(self, context: Moment) -> None:
        self._log.write(context.step, context.scalars)

    @hookimpl
    def akid_validate_end(self, context: Moment) -> None:
        self._log.write(context.step, context.scalars)

    @hookimpl
    def akid_practice_end(self, context: Moment) -> None:
        self._log.write(context.step, context.scalars)
        self._log.close()

    @hookimpl
    def akid_practice_error(self, context: Moment) -> None:
        self._log.close()


class _EventLog:
    """One event file for each session; readers take the files of a directory in the order of their names."""

    def __init__(self) -> None:
        self._writer: RecordWriter | None = None

    def open(self, directory: Path, step: int) -> None:
        """Begin a session after `step` finished steps."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
            earlier = sorted(directory.glob("events.out.tfevents.*"))
            self._first, self._known = step, _tags_at(step, earlier)
            self._path = directory / f"events.out.tfevents.{len(earlier):010d}"
            self._writer = RecordWriter(self._path.open("xb", buffering=0))
        except OSError as error:
            raise _refused(directory, error) from error
        self._record(Event(file_version="brain.Event:2"))
        # Readers drop what they have of this step and later ones.
        self._record(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """One point at `step` for each figure."""
        fresh = {tag: value for tag, value in values.items() if step != self._first or tag not in self._known}
        if fresh:
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in fresh.items()])
            self._record(Event(step=step, summary=summary))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _record(self, event: Event) -> None:
        assert self._writer is not None, "a session begins with akid_practice_begin"
        event.wall_time = time.time()
        try:
            self._writer.write(event.SerializeToString())
        except OSError as error:
            raise _refused(self._path, error) from error


def _tags_at(step: int, files: list[Path]) -> set[str]:
    """What earlier sessions wrote at `step`."""
    return {
        value.tag for path in files for event in _events(path) if event.step == step for value in event.summary.value
    }


def _events(path: Path) -> Iterator[Event]:
    """The events of a file up to where a kill may have torn it: each is length, checksum, bytes, checksum."""
    data, start = path.read_bytes(), 0
    while start + 12 <= len(data):
        end = start + 12 + int(struct.unpack_from("<Q", data, start)[0])
        if end + 4 > len(data):
            return
        yield Event.FromString(data[start + 12 : end])
        start = end + 4


def _refused(path: Path, error: OSError) -> AkidError:
    return AkidError(
        f"TensorBoard's events could not be written to {path}: {error.strerror}. Make it writable or free some space, "
        "then continue with `--resume`."
    )
