"""Deleting checkpoints that are no longer needed."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from akid_core.checkpoints.read import Checkpoint, attempts, committed
from akid_core.checkpoints.store import LocalStore
from akid_core.errors import CheckpointError

Stamps = tuple[tuple[str, int, int, int], ...]
"""The name, inode, size and time of change of each file of a checkpoint."""


class Verified:
    """Remembers which checkpoints are good, so that none is read again unless its files have changed since."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Stamps, bool]] = {}

    def good(self, checkpoint: Checkpoint) -> bool:
        """Whether every byte is what was written."""
        try:
            stamps = _stamps(checkpoint)
        except OSError:
            return False
        known = self._known.get(checkpoint.path)
        if known is None or known[0] != stamps:
            known = self._known[checkpoint.path] = stamps, _good(checkpoint)
        return known[1]


def prune(directory: Path, keep: int, protect: Collection[Path] = (), verified: Verified | None = None) -> list[Path]:
    """Delete all but the latest `keep` good checkpoints and those at `protect`; return the paths deleted.

    Only what is verified, byte for byte, counts as kept, so the price is reading `keep` checkpoints, less those that
    `verified` remembers; and only what is older than all kept ones is deleted, torn ones among it. Where fewer than
    `keep` are good nothing is. Raises `CheckpointError` where the disk refuses.
    """
    if keep < 1:
        raise ValueError(f"keep must be at least 1, got {keep}")
    good, verified = 0, verified or Verified()
    for oldest in reversed(committed(directory)):
        good += verified.good(oldest)
        if good == keep:
            break
    else:
        return []
    protected = {path.resolve() for path in protect}
    doomed = [item for item in attempts(directory) if item < oldest and item.path.resolve() not in protected]
    for item in doomed:
        _delete(item)
    return [item.path for item in doomed]


def _stamps(checkpoint: Checkpoint) -> Stamps:
    """What of its files changes when they do."""
    with os.scandir(checkpoint.path) as entries:
        found = sorted((entry.name, entry.stat()) for entry in entries)
    return tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in found)


def _good(checkpoint: Checkpoint) -> bool:
    try:
        checkpoint.verify()
    except CheckpointError:
        return False
    return True


def _delete(checkpoint: Checkpoint) -> None:
    try:
        LocalStore(checkpoint.path).discard()
    except OSError as error:
        raise CheckpointError(f"Checkpoint {checkpoint.path} cannot be deleted: {error.strerror}.") from error
