"""Pairs: settings that are given once for height and width, or for each."""

from __future__ import annotations


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """The values for height and width."""
    return value if isinstance(value, tuple) else (value, value)


def check_size(size: int | tuple[int, int]) -> None:
    """Raise `ValueError` unless there is at least one pixel in height and width."""
    if min(pair(size)) < 1:
        raise ValueError(f"size must be at least 1, got {size}")
