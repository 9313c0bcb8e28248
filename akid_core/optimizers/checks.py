"""Checks that several optimizers make of their settings."""

from __future__ import annotations


def check_share(name: str, value: float) -> None:
    """Raise `ValueError` unless the value is the share of a running figure that stays at each step."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} is the share of a running figure that stays, from 0 to below 1, got {value!r}")
