"""Checks of settings that layers and optimizers have alike."""

from __future__ import annotations

import math


def check_epsilon(value: float, usual: float) -> None:
    """Raise `ValueError` unless the value keeps a division from zero; `usual`: what the message proposes."""
    if not 0 < value < math.inf:
        raise ValueError(f"epsilon must be above 0, such as {usual:g}, got {value!r}")
