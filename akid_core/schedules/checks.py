"""Sentences that several schedules say of settings that cannot work."""

from __future__ import annotations


def check_rate(name: str, value: float) -> None:
    """Raise `ValueError` unless a learning rate is positive."""
    if not value > 0:
        raise ValueError(f"{name} is a learning rate and must be above 0, got {value!r}")


def check_minimum(minimum: float, initial: float) -> None:
    """Raise `ValueError` unless the lowest learning rate lies between 0 and the first one."""
    if not 0 <= minimum <= initial:
        raise ValueError(f"minimum must lie between 0 and initial ({initial!r}), got {minimum!r}")


def check_factor(value: float) -> None:
    """Raise `ValueError` unless a factor makes the learning rate smaller."""
    if not 0 < value < 1:
        raise ValueError(f"factor multiplies the learning rate and must lie between 0 and 1, got {value!r}")
