"""Pairs: settings that are given once for height and width, or for each."""

from __future__ import annotations


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """The values for height and width."""
    return value if isinstance(value, tuple) else (value, value)
