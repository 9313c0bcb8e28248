"""Layers over sequences (batch, channels, length) and (batch, length, features), and over indices."""

from __future__ import annotations

from akid_core.testing.referee import Trial

TRIALS: tuple[Trial, ...] = ()
