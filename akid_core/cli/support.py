"""Which layer runs on which backend, and how: natively, by its portable definition, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from akid_core.backends.missing import portable
from akid_core.errors import PluginError
from akid_core.plugins import Provided, Registry

Way = Literal["native", "portable", "missing"]


@dataclass(frozen=True, slots=True)
class Support:
    """A layer, who provides it, and how it runs on each backend by name."""

    layer: str
    provider: str
    backends: dict[str, Way]

    def to_json(self) -> dict[str, Any]:
        return {"layer": self.layer, "from": self.provider, "backends": self.backends}


def support(registry: Registry) -> list[Support]:
    """A row for each layer, loss and metric. Layers are imported, which are plain Python; backends and builders not."""
    backends = registry.names("backend")
    rows = []
    for item in registry.infos("layer"):
        try:
            defined = portable(registry.target(item))
        except PluginError:
            defined = False
        ways = {backend: _way(registry, item, defined, backend) for backend in backends}
        rows.append(Support(item.info.name, str(item.provider), ways))
    return rows


def _way(registry: Registry, item: Provided, defined: bool, backend: str) -> Way:
    """How a layer runs on a backend; `defined`: whether it has a portable definition."""
    if item.info.backend not in ("", backend):
        return "missing"
    if registry.has("layer_builder", item.info.name, backend):
        return "native"
    return "portable" if defined else "missing"


def markdown(rows: Sequence[Support]) -> str:
    """The rows as a table in Markdown."""
    backends = list(rows[0].backends) if rows else []
    lines = [["layer", *backends], ["---"] * (1 + len(backends))]
    lines += [[f"`{row.layer}`", *row.backends.values()] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
