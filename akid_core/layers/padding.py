"""Settings of what lies over space: kernels, strides, factors and padding, as they may be written and as numbers."""

from __future__ import annotations

from typing import Any

Sizes = int | tuple[int, ...]
"""One number for every axis of space, or one for each: for images (vertical, horizontal)."""

Widths = tuple[tuple[int, int], ...]
"""What is added on the two sides of each axis of space: for images ((top, bottom), (left, right))."""

Around = int | tuple[int | tuple[int, int], ...]
"""Widths as they may be written: one number for all sides; for images (vertical, horizontal), each of them a number or
its two sides, such as ((top, bottom), (left, right)); for sequences (left, right)."""

Padding = str | Around
"""`"same"`, `"valid"`, or widths as in `Around`."""

_SIZES = {1: "one number", 2: "one number or (vertical, horizontal)"}
_WIDTHS = {1: "(left, right)", 2: "(vertical, horizontal) or ((top, bottom), (left, right))"}


def each(value: Sizes, space: int) -> tuple[int, ...]:
    """The numbers for all axes of a setting that may be given as one."""
    return (value,) * space if isinstance(value, int) else value


def explicit(padding: Padding, space: int) -> Widths:
    """The widths of a padding that does not depend on the size of what it surrounds."""
    if isinstance(padding, str):
        return ((0, 0),) * space
    if isinstance(padding, int):
        return ((padding, padding),) * space
    entries = (padding,) if space == 1 else padding
    return tuple((entry, entry) if isinstance(entry, int) else (entry[0], entry[1]) for entry in entries)  # type: ignore[misc]


def read_sizes(name: str, value: Any, space: int, least: int = 1) -> Sizes:
    """The setting `name` as written, a list as a tuple. Raises `ValueError` for what does not fit the axes of space."""
    value = plain(value)
    if _whole(value, least) or (space > 1 and _several(value, space, least)):
        return value  # type: ignore[no-any-return]
    form = _SIZES.get(space, f"one number or {space}")
    raise ValueError(f"{name} takes {form}, whole and at least {least}, got {value!r}")


def read_around(name: str, value: Any, space: int) -> Around:
    """The setting `name` as written, lists as tuples. Raises `ValueError` for a form that does not exist."""
    value = plain(value)
    entries = value if isinstance(value, tuple) else ()
    by_axis = len(entries) == space > 1 and all(_whole(entry, 0) or _several(entry, 2, 0) for entry in entries)
    if _whole(value, 0) or by_axis or (space == 1 and _several(value, 2, 0)):
        return value  # type: ignore[no-any-return]
    form = _WIDTHS.get(space, f"{space} entries, each a number or (before, after)")
    raise ValueError(f"{name} takes one number or {form}, whole and at least 0, got {value!r}")


def read_padding(value: Any, space: int) -> Padding:
    """The setting `padding` as written, lists as tuples. Raises `ValueError` for a form that does not exist."""
    if not isinstance(value, str):
        return read_around("padding", value, space)
    if value not in ("same", "valid"):
        raise ValueError(f"padding must be 'same', 'valid' or numbers, got {value!r}")
    return value


def plain(value: Any) -> Any:
    """The same value with tuples for lists, so that it compares and hashes."""
    return tuple(map(plain, value)) if isinstance(value, list | tuple) else value


def _whole(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


def _several(value: Any, count: int, least: int) -> bool:
    """Whether it is so many whole numbers."""
    return isinstance(value, tuple) and len(value) == count and all(_whole(number, least) for number in value)
