"""Extras: libraries that only some parts need, imported where they are used."""

from __future__ import annotations

import importlib
from types import ModuleType

from akid_core.errors import PluginImportError


def extra(module: str, name: str) -> ModuleType:
    """The module that the extra `name` of akid-datasets installs. Raises `PluginImportError` where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PluginImportError(
            f"This needs the library '{module.partition('.')[0]}', which cannot be imported ({error}). "
            f"Install it with: pip install 'akid-datasets[{name}]'"
        ) from error
