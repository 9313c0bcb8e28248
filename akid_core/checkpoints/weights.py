"""Weights out of a file or a checkpoint, whoever wrote them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy

from akid_core.backends.contract import Arrays
from akid_core.checkpoints.manifest import parse_name
from akid_core.checkpoints.read import Checkpoint
from akid_core.errors import CheckpointError

SUFFIX = ".safetensors"


def read_weights(path: Path) -> Arrays:
    """The arrays by name of a file `.safetensors` or a checkpoint's directory; of a checkpoint, what it predicts with.

    Raises `CheckpointError` where nothing of the kind is there, or where it cannot be read.
    """
    if path.suffix == SUFFIX and path.is_file():
        return _read_file(path)
    if (name := parse_name(path.name)) is not None and path.is_dir():
        return Checkpoint(*name, path).evaluated()
    raise CheckpointError(
        f"{path} holds no weights: give a run directory, a checkpoint's directory (step-N), or a file {SUFFIX}."
        + ("" if path.exists() else " There is nothing of this name.")
    )


def write_weights(arrays: Mapping[str, np.ndarray], path: str | os.PathLike[str]) -> None:
    """Write arrays by name as `.safetensors`, which `read_weights` and `practice.start` take.

    Raises `CheckpointError` where that is not possible, or where the name says another kind of file.
    """
    if Path(path).suffix != SUFFIX:
        raise CheckpointError(f"{path} is no name for weights, which are written as {SUFFIX}: give one that ends so.")
    try:
        safetensors.numpy.save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
    except Exception as error:  # the library has an error of its own
        raise CheckpointError(f"{path} cannot be written: {error}.") from error


def _read_file(path: Path) -> Arrays:
    try:
        return safetensors.numpy.load_file(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # the library has an error of its own, and KeyError for types that NumPy lacks
        raise CheckpointError(
            f"{path} cannot be read as {SUFFIX}: {type(error).__name__}: {error}. (NumPy has no bfloat16: convert it.)"
        ) from error
