"""Deleting checkpoints that are no longer needed."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from akid_core.checkpoints.read import Checkpoint, attempts, committed
from akid_core.checkpoints.store import LocalStore
from akid_core.errors import CheckpointError


def prune(directory: Path, keep: int, protect: Collection[Path] = ()) -> list[Path]:
    """Delete all but the latest `keep` good checkpoints and those at `protect`; return the paths deleted.

    Only what is verified, byte for byte, counts as kept, so the price is reading `keep` checkpoints; and only what is
    older than all kept ones is deleted, torn ones among it. Where fewer than `keep` are good nothing is. Raises
    `CheckpointError` where the disk refuses.
    """
    if keep < 1:
        raise ValueError(f"keep must be at least 1, got {keep}")
    good = 0
    for oldest in reversed(committed(directory)):
        good += _good(oldest)
        if good == keep:
            break
    else:
        return []
    protected = {path.resolve() for path in protect}
    doomed = [item for item in attempts(directory) if item < oldest and item.path.resolve() not in protected]
    for item in doomed:
        _delete(item)
    return [item.path for item in doomed]


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
