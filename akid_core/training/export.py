"""A trained network in another format."""

from __future__ import annotations

import os
from pathlib import Path

from akid_core.backends.contract import Network
from akid_core.errors import UnknownNameError
from akid_core.plugins.registry import Registry


def exporting_backend(registry: Registry, to: str) -> str | None:
    """The backend whose networks the exporter `to` takes; None where it takes those of any.

    Raises `UnknownNameError` where no plugin exports to it.
    """
    backends = sorted(item.info.backend for item in registry.infos("exporter") if item.info.name == to)
    if not backends:
        registry.info("exporter", to)  # which says what there is
    return backends[0] or None


def export(network: Network, backend: str, to: str, path: str | os.PathLike[str], registry: Registry) -> None:
    """Write what a network of this backend predicts, by the exporter `to`.

    Raises `UnknownNameError` where the backend has none, and `ConfigurationError`, naming the block, where the format
    cannot hold the network.
    """
    wanted = exporting_backend(registry, to)
    if wanted is not None and not registry.has("exporter", to, backend):
        raise UnknownNameError(
            f"The {backend} backend does not export to {to!r}, and {wanted} does: take backend={wanted!r}, or "
            f"`akid export RUN_DIR PATH --to {to}`, which changes to it."
        )
    registry.get("exporter", to, backend)(network, Path(path))
