"""LocalStore: one checkpoint's directory on a file system, every write durable before the next."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from akid_core.checkpoints.manifest import COMMIT


class LocalStore:
    """The files of one checkpoint: `put` each, `commit` last. Nothing that was put is ever changed.

    Failures are `OSError`; the callers know which checkpoint they were about and say so.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def create(cls, directory: Path) -> LocalStore:
        """A store in a new directory. Raises `FileExistsError` if there is one already, even a torn one."""
        make_directory(directory.parent)
        directory.mkdir()
        return cls(directory)

    def put(self, name: str, data: bytes) -> None:
        """Write a new file through to the disk."""
        with self._path(name).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def get(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def digest(self, name: str) -> str:
        """The SHA-256 of a file, without holding the file in memory."""
        with self._path(name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def list(self) -> list[str]:
        """The names of the files, sorted."""
        return sorted(path.name for path in self.directory.iterdir())

    def commit(self, manifest: bytes) -> None:
        """Make everything that was put count, at one instant: `COMMIT.json` appears whole, after all that it names."""
        sync_directory(self.directory)
        sync_directory(self.directory.parent)
        draft = f"{COMMIT}.tmp"
        self.put(draft, manifest)
        self._path(draft).replace(self._path(COMMIT))
        sync_directory(self.directory)

    def discard(self) -> None:
        """Delete the checkpoint, its commit first: a deletion cut short leaves a torn one, never a wrong one."""
        self._path(COMMIT).unlink(missing_ok=True)
        sync_directory(self.directory)
        shutil.rmtree(self.directory)

    def _path(self, name: str) -> Path:
        if name != Path(name).name:
            raise ValueError(f"{name!r} is not a plain file name")
        return self.directory / name


def make_directory(directory: Path) -> None:
    """Make a directory and its missing parents, so that each one's name lasts; existing ones stay as they are."""
    if directory.is_dir():
        return
    if not directory.parent.exists():
        make_directory(directory.parent)
    directory.mkdir(exist_ok=True)
    sync_directory(directory.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable; syncing a file does not sync its name."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
