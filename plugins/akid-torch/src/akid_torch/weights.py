"""Weights of torch as arrays by name, for `network.load(arrays, layout="torch")` and `Start(layout="torch")`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from akid_core.errors import CheckpointError

Source = nn.Module | Mapping[str, Tensor] | str | os.PathLike[str]

_WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Under what training programs keep the weights, beside the rest of their state."""


def read(source: Source) -> dict[str, np.ndarray]:
    """The arrays of a module, of a state dict, or of a file with one, by the names that torch gives them.

    Of a file nothing but tensors and plain values is unpickled. bfloat16, which NumPy lacks, becomes float32. Raises
    `CheckpointError` for a file that cannot be read or holds something else.
    """
    if isinstance(source, nn.Module):
        return _arrays(source.state_dict())
    if isinstance(source, Mapping):
        return _arrays(source)
    path = Path(source)
    return _arrays(_state_dict(_loaded(path), path))


def _loaded(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    except Exception as error:
        held = re.search(r"GLOBAL (\S+)", str(error))  # so torch's unpickler says what it would not make
        why = (
            f"it holds a {held[1]}, and akid unpickles tensors alone. Load it by yourself and pass it, or save its "
            "state_dict()"
            if held
            else "it is no file of torch.save, or a damaged one"
        )
        raise CheckpointError(f"{path} cannot be read as weights of torch: {why}.") from error


def _state_dict(loaded: Any, path: Path) -> Mapping[str, Tensor]:
    """The tensors by name; they may be one level down."""
    held = loaded if isinstance(loaded, Mapping) else {}
    for found in (held, *(held[name] for name in _WRAPPERS if name in held)):
        if isinstance(found, Mapping) and found and all(isinstance(value, Tensor) for value in found.values()):
            return found
    listed = ", ".join(map(str, held)) or type(loaded).__name__
    raise CheckpointError(
        f"{path} holds no tensors by name, but {listed}: take the state dict out of it by yourself and pass that."
    )


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(_plain(tensor).numpy()) for name, tensor in tensors.items()}


def _plain(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu()
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor
