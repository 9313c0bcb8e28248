"""What exporters share: nothing half-written, and a message that names the block which a format cannot hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from akid_core.errors import AkidError, ConfigurationError, DataError, UsageError
from akid_core.specs.tensor import TensorSpec, wider

_NOTE = "in block "
"""How the note begins by which a backend says where an error happened."""


def outside(spec: TensorSpec) -> TensorSpec:
    """An input or an output as others see it: at least float32, in whatever narrower type the network computes."""
    return spec.with_dtype(wider(spec.dtype)) if spec.floating else spec


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """A place beside `path` for a file or a directory that becomes `path` when all went well; else nothing is left.

    A file of that name is replaced. Raises `UsageError` where a directory is in the way, and `DataError` where nothing
    can be written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a directory already: give a path that is still free.")
    new = path.with_name(f".{path.stem}.new{path.suffix}")
    try:
        _remove(new)  # left by a process that was killed
        path.parent.mkdir(parents=True, exist_ok=True)
        yield new
        if new.is_dir():
            path.unlink(missing_ok=True)
        new.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # what was wrong is on its way already
            _remove(new)


@contextmanager
def fitting(form: str, remedy: str) -> Iterator[None]:
    """Whatever fails inside becomes a `ConfigurationError`: the block, why the format cannot hold it, and `remedy`.

    What the operating system refuses is left to `draft`.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        notes = [note for note in getattr(error, "__notes__", ()) if note.startswith(_NOTE)]
        where = f" {notes[0].removeprefix('in ')}" if notes else " this network"
        first = _first(error)
        said = str(first).strip().partition("\n")[0].rstrip(".") or "no message"
        kind = "" if isinstance(first, AkidError) else f"{type(first).__name__}: "
        raise ConfigurationError(f"{form} cannot hold{where}: {kind}{said}. {remedy}") from error


def _first(error: BaseException) -> BaseException:
    """What began it: frameworks wrap what went wrong in words about themselves."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
