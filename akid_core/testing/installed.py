"""The backends that are installed here, for tests that are to run on each of them."""

from __future__ import annotations

from akid_core.backends.contract import Backend
from akid_core.plugin_api import BackendInfo
from akid_core.plugins.manager import default_manager
from akid_core.training.backend import importable


def backends() -> list[str]:
    """Their names, the referee's first; nothing is imported."""
    infos = (item.info for item in default_manager().registry.infos("backend"))
    usable = [info for info in infos if isinstance(info, BackendInfo) and importable(info)]
    return [info.name for info in sorted(usable, key=lambda info: (info.priority, info.name))]


def backend(name: str) -> Backend:
    """The backend of this name."""
    found: Backend = default_manager().registry.get("backend", name)()
    return found
