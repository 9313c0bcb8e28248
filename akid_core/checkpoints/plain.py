"""The state of a run as JSON, exactly, with the numbers that JSON does not have."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_TAG = "float"
_SPECIAL = {str(value): value for value in (math.nan, math.inf, -math.inf)}
"""Written as `{"float": "nan"}`, and as `inf` and `-inf`."""


def dump(state: Mapping[str, Any]) -> bytes:
    """The state as JSON; NumPy numbers and arrays become numbers and lists.

    Raises `TypeError` for what it cannot hold.
    """
    return json.dumps(_plain(state), indent=1, allow_nan=False, default=_refuse).encode()


def load(data: bytes) -> Any:
    """What `dump` wrote."""
    return json.loads(data, object_hook=_restored)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {_TAG: str(value)}
    return value


def _restored(found: dict[str, Any]) -> Any:
    return _SPECIAL.get(found[_TAG], found) if found.keys() == {_TAG} and isinstance(found[_TAG], str) else found


def _refuse(value: Any) -> Any:
    raise TypeError(f"the state of a checkpoint cannot hold {type(value).__name__}: {value!r}")
