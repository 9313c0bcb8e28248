"""Reading checkpoints: only committed ones, and only bytes that are those that were committed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import safetensors.numpy

from akid_core.backends.contract import Arrays
from akid_core.checkpoints import plain
from akid_core.checkpoints.manifest import COMMIT, PARAMS, SLOTS, STATE, Manifest, parse_name
from akid_core.checkpoints.store import LocalStore
from akid_core.errors import CheckpointError, CorruptCheckpointError, NewerCheckpointError
from akid_core.optimizers.average import running_means

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Checkpoint:
    """A committed checkpoint; the later step is the greater one. All that is read of it is checked by its digest.

    Reading raises `CorruptCheckpointError` for changed, cut or missing files, `NewerCheckpointError` for a later
    format, `CheckpointError` where the disk refuses.
    """

    step: int
    attempt: int
    path: Path

    @property
    def committed(self) -> bool:
        """Whether it is there whole; pruning withdraws this first."""
        return (self.path / COMMIT).exists()

    @property
    def state(self) -> dict[str, Any]:
        """What the run needs beside its arrays to go on."""
        state: dict[str, Any] = plain.load(self.file(STATE))
        return state

    def params(self) -> Arrays:
        """Parameters by path, canonical layout."""
        return safetensors.numpy.load(self.file(PARAMS))

    def slots(self) -> Arrays:
        """The optimizer's state by `"<slot>:<parameter path>"`, canonical layout."""
        return safetensors.numpy.load(self.file(SLOTS))

    def evaluated(self) -> Arrays:
        """The parameters that validation, testing and prediction use: running means where the run keeps them."""
        params, state = self.params(), self.state
        averages = state.get("averages") or {}
        if (share := state.get("average")) is not None:  # an older version wrote one share for all
            averages = dict.fromkeys(params, (share, self.step))
        return running_means(params, self.slots(), averages) if averages else params

    def file(self, name: str) -> bytes:
        """One file of the checkpoint, by name."""
        if name not in self.manifest.files:
            raise CheckpointError(f"Checkpoint {self.path} has no {name}; it holds {', '.join(self.manifest.files)}.")
        data = self._read(self._store.get, name)
        self._compare(name, hashlib.sha256(data).hexdigest())
        return data

    def verify(self) -> None:
        """Compare every file with its digest, without keeping any in memory."""
        for name in self.manifest.files:
            self._compare(name, self._read(self._store.digest, name))

    @cached_property
    def manifest(self) -> Manifest:
        manifest = Manifest.decode(self._read(self._store.get, COMMIT), self.path)
        if manifest.step != self.step:
            raise CorruptCheckpointError(f"Checkpoint {self.path} is corrupt: it holds step {manifest.step}.")
        return manifest

    @property
    def _store(self) -> LocalStore:
        return LocalStore(self.path)

    def _compare(self, name: str, digest: str) -> None:
        if digest != self.manifest.files[name]:
            raise CorruptCheckpointError(f"Checkpoint {self.path} is corrupt: {name} is not what was written.")

    def _read(self, read: Callable[[str], T], name: str) -> T:
        try:
            return read(name)
        except FileNotFoundError as error:
            raise CorruptCheckpointError(f"Checkpoint {self.path} is corrupt: {name} is missing.") from error
        except OSError as error:
            raise CheckpointError(f"Checkpoint {self.path} cannot be read: {name}: {error.strerror}.") from error


def committed(directory: Path) -> list[Checkpoint]:
    """The committed checkpoints in a directory, by step; empty where the directory does not exist."""
    return [checkpoint for checkpoint in attempts(directory) if checkpoint.committed]


def newest(directory: Path) -> Checkpoint | None:
    """The committed checkpoint of the latest step, unread; None where there is none."""
    return max(committed(directory), default=None)


def newest_good(directory: Path, report: Callable[[str], object]) -> Checkpoint | None:
    """The committed checkpoint of the latest step whose every byte is right; None where nothing was ever committed.

    Each one passed over is reported by name and reason. Raises `NewerCheckpointError` rather than going back behind
    what a later version wrote, and `CorruptCheckpointError` where none of the committed ones is good.
    """
    bad: list[CheckpointError] = []
    for checkpoint in reversed(attempts(directory)):
        if not checkpoint.committed:
            report(
                f"Checkpoint {checkpoint.path} is torn: the process ended while it was written, or writes it now. "
                "It is passed over."
            )
            continue
        try:
            checkpoint.verify()
        except NewerCheckpointError:
            raise
        except CheckpointError as error:
            if not checkpoint.committed:  # the run goes on, and has pruned it meanwhile: there are later ones
                return newest_good(directory, report)
            report(f"{error} It is passed over.")
            bad.append(error)
        else:
            return checkpoint
    if bad:
        raise CorruptCheckpointError(
            f"No checkpoint in {directory} can be used: {' '.join(map(str, bad))} "
            "Restore one from a copy, or start again in another directory."
        ) from bad[0]
    return None


def attempts(directory: Path) -> list[Checkpoint]:
    """Every checkpoint directory by step and attempt, committed or torn."""
    try:
        named = [(parse_name(path.name), path) for path in directory.iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"The checkpoints in {directory} cannot be listed: {error.strerror}.") from error
    return sorted(Checkpoint(*name, path) for name, path in named if name)
