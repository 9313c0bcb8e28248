"""Writing a checkpoint: all bytes first, then the files, then the commit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from akid_core.checkpoints import plain
from akid_core.checkpoints.manifest import PARAMS, SLOTS, STATE, Manifest, directory_name
from akid_core.checkpoints.read import newest
from akid_core.checkpoints.store import LocalStore
from akid_core.errors import CheckpointError


def write_checkpoint(
    directory: Path,
    step: int,
    params: Mapping[str, np.ndarray],
    slots: Mapping[str, np.ndarray],
    state: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
) -> Path:
    """Write the state after `step` steps as a new directory `step-N` in `directory`; return its path.

    `params`, `slots`: arrays in canonical layout by `"<owner>/<param>"` and `"<slot>:<param path>"`. `state`: what JSON
    can hold; NumPy numbers and arrays in it become numbers and lists. `files`: more files by plain name. An existing
    directory is never touched: after a torn `step-N` comes `step-N.1`. Raises `CheckpointError` where the disk refuses;
    what was begun is removed and the earlier checkpoints stay as they are.
    """
    contents = {PARAMS: _arrays(params), SLOTS: _arrays(slots), STATE: plain.dump(state)}
    if taken := contents.keys() & (files or {}):
        raise ValueError(f"a checkpoint has its own {', '.join(sorted(taken))}")
    contents |= files or {}
    manifest = Manifest(step=step, files={name: hashlib.sha256(data).hexdigest() for name, data in contents.items()})
    try:
        store = _create(directory, step)
        try:
            for name, data in contents.items():
                store.put(name, data)
            store.commit(manifest.encode())
        except BaseException:
            _discard(store)
            raise
    except OSError as error:
        raise CheckpointError(_refused(directory, step, error)) from error
    return store.directory


def _create(directory: Path, step: int) -> LocalStore:
    for attempt in count():
        try:
            return LocalStore.create(directory / directory_name(step, attempt))
        except FileExistsError:
            if not directory.is_dir():
                raise
    raise AssertionError("unreachable")


def _discard(store: LocalStore) -> None:
    """Remove what was begun; where even that fails it stays uncommitted, which readers pass over."""
    with suppress(OSError):
        store.discard()


def _refused(directory: Path, step: int, error: OSError) -> str:
    reason = error.strerror or str(error)
    last = None
    with suppress(CheckpointError):
        last = newest(directory)
    kept = f"The newest one before it, {last.path.name}, is untouched" if last else "There is none before it"
    return (
        f"The checkpoint of step {step} could not be written to {directory}: {reason}. {kept}. "
        "Make the directory writable or free some space, then continue with `--resume`."
    )


def _arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """safetensors takes each array's memory as it lies, whatever its strides: hence plain C order, native bytes."""
    native = {name: np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C") for name, array in arrays.items()}
    return safetensors.numpy.save(native)
