"""Checkpoints: portable, exact, never half there.

A checkpoint is a new directory `step-N`, the state after N steps. It counts only once `COMMIT.json`, written last,
lists the digest of every file in it; a directory without one is what a killed process left behind, and nobody reads it.
"""

from akid_core.checkpoints.prune import Verified, prune
from akid_core.checkpoints.read import Checkpoint, committed, newest, newest_good
from akid_core.checkpoints.store import LocalStore, make_directory, sync_directory
from akid_core.checkpoints.weights import read_weights, write_weights
from akid_core.checkpoints.write import write_checkpoint

__all__ = [
    "Checkpoint",
    "LocalStore",
    "Verified",
    "committed",
    "make_directory",
    "newest",
    "newest_good",
    "prune",
    "read_weights",
    "sync_directory",
    "write_checkpoint",
    "write_weights",
]
