"""How a run tells what it copes with."""

from __future__ import annotations

import sys
import warnings

from akid_core.errors import AkidWarning


def tell(text: str) -> None:
    """Say what was chosen where nothing was said; on standard error, since standard output is for results."""
    print(f"akid: {text}", file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Say something that the owner of a run should know."""
    warnings.warn(text, AkidWarning, stacklevel=2)
