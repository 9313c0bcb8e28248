"""Nested fields: dictionaries in dictionaries become fields with the path as their name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from akid_core.errors import DataError


def flat_fields(nested: Any, *, tuples: bool = False) -> dict[str, Any]:
    """The values by path, in order: `{"meta": {"age": x}}` becomes `{"meta/age": x}`.

    `tuples`: these are taken apart, too, by the names or the numbers of their values. Raises `DataError` where two
    values have one path.
    """
    flat: dict[str, Any] = {}
    for path, value in _walk(nested, tuples, ""):
        if path in flat:
            raise DataError(f"Two values are called '{path}', counting those in dictionaries; give one another name.")
        flat[path] = value
    return flat


def _walk(nested: Any, tuples: bool, above: str) -> Iterator[tuple[str, Any]]:
    if tuples and isinstance(nested, tuple):
        nested = dict(zip(getattr(nested, "_fields", map(str, range(len(nested)))), nested, strict=True))
    if not isinstance(nested, Mapping):
        yield above, nested
        return
    for name, value in nested.items():
        yield from _walk(value, tuples, f"{above}/{name}" if above else str(name))
