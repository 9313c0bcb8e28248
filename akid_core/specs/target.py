"""Targets: what a description names by its import path, such as `torch.nn:Linear`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from akid_core.errors import ConfigurationError


def check_target(target: Any) -> None:
    """Raise `ValueError` for a text that is no import path."""
    if isinstance(target, str) and not all(part.strip() for part in target.partition(":")):
        raise ValueError(f"target must be an import path such as 'torch.nn:Linear', got {target!r}")


def imported_target(target: str, who: str) -> Any:
    """What an import path names; `who` asks for it. Raises `ConfigurationError` where it does not import."""
    module, _, path = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for attribute in path.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"{who}: the target {target} does not import: {error}. A file of your own is found through "
            "plugins: [./file.py], a package through pip or PYTHONPATH."
        ) from error
    return found


def call_target(target: str, arguments: Mapping[str, Any], who: str) -> Any:
    """What a class or function, by its import path, makes of the arguments; `who` asks for it.

    Raises `ConfigurationError` where it does not import or refuses its arguments.
    """
    found = imported_target(target, who)
    try:
        return found(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{who}: {target} does not take {dict(arguments)}: {error}.") from error
