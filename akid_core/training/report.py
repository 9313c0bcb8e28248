"""How a run tells what it copes with."""

from __future__ import annotations

import warnings

from akid_core.errors import AkidWarning


def warn(text: str) -> None:
    """Say something that the owner of a run should know."""
    warnings.warn(text, AkidWarning, stacklevel=2)
