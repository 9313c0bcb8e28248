"""Nested fields: dictionaries in dictionaries become fields with the path as their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flat_fields(nested: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The values by path, in order: `{"meta": {"age": x}}` becomes `{"meta/age": x}`."""
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        path = f"{above}/{name}" if above else str(name)
        flat.update(flat_fields(value, path) if isinstance(value, Mapping) else {path: value})
    return flat
