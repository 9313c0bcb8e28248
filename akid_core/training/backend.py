"""Which backend runs when none is named."""

from __future__ import annotations

from importlib.util import find_spec

from akid_core.errors import UnknownNameError
from akid_core.plugin_api import BackendInfo
from akid_core.plugins.registry import Registry


def choose_backend(registry: Registry) -> str:
    """The backend of highest priority whose modules are installed; nothing is imported."""
    usable = [
        item.info
        for item in registry.infos("backend")
        if isinstance(item.info, BackendInfo) and all(find_spec(module) is not None for module in item.info.requires)
    ]
    if not usable:
        raise UnknownNameError("No backend is installed. Install one: pip install akid-torch, or akid-tf[cpu].")
    return max(usable, key=lambda info: (info.priority, info.name)).name
